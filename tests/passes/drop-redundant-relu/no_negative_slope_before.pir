# run: insert-masks drop-redundant-relu
# mask relu00: u8[2,1,1] [0, 0]
# slope relu00: [-1.0, -2.0]
# mask relu01: u8[2,1,1] splat(1)
; What was not negative is, once a negative slope has turned it.
graph no_negative_slope_before {
  %x = input f32[N,2,1,1]
  %a = abs(%x)
  %r = relu(%a) @relu00
  %y = relu(%r) @relu01
  output "y" = %y
}
# expect
