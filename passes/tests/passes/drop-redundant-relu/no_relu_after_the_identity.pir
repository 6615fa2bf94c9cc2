# run: drop-redundant-relu
; The first ReLU is gone, so the second one works.
graph no_relu_after_the_identity {
  %x = input f32[N,1,2,2]
  %m = const u8[1,2,2] splat(0)
  %r = masked_relu(%x, %m) @relu00
  %y = relu(%r) @relu01
  output "y" = %y
}
# expect
graph no_relu_after_the_identity {
  %x = input f32[N,1,2,2]
  %m = const u8[1,2,2] splat(0)
  %r = masked_relu(%x, %m) @relu00 -> f32[N,1,2,2]
  %y = relu(%r) @relu01 -> f32[N,1,2,2]
  output "y" = %y
}
