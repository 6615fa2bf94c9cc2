# run: fold-scale-and-bias
; Batch normalisation as TensorFlow exports it.
graph mul_add_after_conv {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %c = conv(%x, %w) {pads=[1,1,1,1]}
  %s = const f32[1,3,1,1] [1.5, -0.5, 0.0]
  %m = mul(%c, %s)
  %t = const f32[3,1,1] [0.25, -1.0, 2.0]
  %y = add(%m, %t)
  output "y" = %y
}
# expect
graph mul_add_after_conv {
  %x = input f32[N,2,4,4]
  %w.folded.1 = const f32[3,2,3,3] opaque
  %y.bias = const f32[3] [0.25, -1.0, 2.0]
  %y = conv(%x, %w.folded.1, %y.bias) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,3,4,4]
  output "y" = %y
}
