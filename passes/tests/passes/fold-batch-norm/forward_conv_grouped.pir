# run: fold-batch-norm
; Each group has its own channels of the normalisation.
graph forward_conv_grouped {
  %x = input f32[N,4,4,4]
  %gamma = const f32[4] [1.5, -0.5, 2.0, 0.1]
  %beta = const f32[4] rand(seed=2)
  %mean = const f32[4] rand(seed=3)
  %var = const f32[4] [0.5, 2.0, 1.0, 0.1]
  %n = batch_norm(%x, %gamma, %beta, %mean, %var)
  %w = const f32[6,2,3,3] rand(seed=1)
  %y = conv(%n, %w) {group=2}
  output "y" = %y
}
# expect
graph forward_conv_grouped {
  %x = input f32[N,4,4,4]
  %w.folded = const f32[6,2,3,3] opaque
  %y.bias = const f32[6] [4.535792, -4.725698, 6.288982, -1.9354988, 0.068435885, 0.59036773]
  %y = conv(%x, %w.folded, %y.bias) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=2} -> f32[N,6,2,2]
  output "y" = %y
}
