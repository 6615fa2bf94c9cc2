# run: fold-batch-norm
; Without a shift, padded zeros stay zeros.
graph forward_scale_into_padded {
  %x = input f32[N,2,4,4]
  %gamma = const f32[2] [1.5, -0.5]
  %zero = const f32[2] splat(0.0)
  %var = const f32[2] [0.5, 2.0]
  %n = batch_norm(%x, %gamma, %zero, %zero, %var)
  %w = const f32[3,2,3,3] rand(seed=1)
  %y = conv(%n, %w) {pads=[1,1,1,1]}
  output "y" = %y
}
# expect
graph forward_scale_into_padded {
  %x = input f32[N,2,4,4]
  %w.folded = const f32[3,2,3,3] opaque
  %y = conv(%x, %w.folded) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,3,4,4]
  output "y" = %y
}
