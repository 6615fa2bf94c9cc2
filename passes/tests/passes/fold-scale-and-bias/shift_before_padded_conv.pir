# run: fold-scale-and-bias
# refused: the following conv 'c' pads by [1, 1, 1, 1], so the shift would be wrong at the border
; The multiplication in front goes into the first convolution; the addition stays.
graph shift_before_padded_conv {
  %x = input f32[N,3,4,4]
  %v = const f32[3,3,1,1] rand(seed=2)
  %p = conv(%x, %v)
  %s = const f32[3,1,1] [1.5, -0.5, 2.0]
  %m = mul(%p, %s)
  %r = relu(%m)
  %t = const f32[3,1,1] [0.25, -1.0, 2.0]
  %a = add(%r, %t)
  %w = const f32[2,3,3,3] rand(seed=1)
  %c = conv(%a, %w) {pads=[1,1,1,1]}
  output "y" = %c
}
# expect
graph shift_before_padded_conv {
  %x = input f32[N,3,4,4]
  %t = const f32[3,1,1] [0.25, -1.0, 2.0]
  %w = const f32[2,3,3,3] opaque
  %v.folded = const f32[3,3,1,1] [0.27356905, 0.74744904, 0.2869141, -0.26541913, 0.18841136, 0.15337777, 0.90541434, 0.95634913, -0.9987507]
  %m = conv(%x, %v.folded) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,3,4,4]
  %r = relu(%m) -> f32[N,3,4,4]
  %a = add(%r, %t) -> f32[N,3,4,4]
  %c = conv(%a, %w) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  output "y" = %c
}
