# run: drop-redundant-relu
; What was not negative is, once a negative slope has turned it.
graph no_negative_slope_before {
  %x = input f32[N,2,1,1]
  %a = abs(%x)
  %m = const u8[2,1,1] [0, 0]
  %s = const f32[2] [-1.0, -2.0]
  %r = masked_relu(%a, %m, slope=%s) @relu00
  %y = relu(%r) @relu01
  output "y" = %y
}
# expect
graph no_negative_slope_before {
  %x = input f32[N,2,1,1]
  %a = abs(%x) -> f32[N,2,1,1]
  %m = const u8[2,1,1] splat(0)
  %s = const f32[2] [-1.0, -2.0]
  %r = masked_relu(%a, %m, slope=%s) @relu00 -> f32[N,2,1,1]
  %y = relu(%r) @relu01 -> f32[N,2,1,1]
  output "y" = %y
}
