# run: fold-batch-norm
graph backward_conv_depthwise {
  %x = input f32[N,4,4,4]
  %w = const f32[4,1,3,3] rand(seed=1)
  %gamma = const f32[4] [1.5, -0.5, 2.0, 0.1]
  %beta = const f32[4] rand(seed=2)
  %mean = const f32[4] rand(seed=3)
  %var = const f32[4] [0.5, 2.0, 1.0, 0.1]
  %c = conv(%x, %w) {pads=[1,1,1,1], group=4}
  %y = batch_norm(%c, %gamma, %beta, %mean, %var)
  output "y" = %y
}
# expect
graph backward_conv_depthwise {
  %x = input f32[N,4,4,4]
  %w.folded = const f32[4,1,3,3] opaque
  %y.bias = const f32[4] [1.8223546, 0.63992786, -0.26062024, 0.8009676]
  %y = conv(%x, %w.folded, %y.bias) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=4} -> f32[N,4,4,4]
  output "y" = %y
}
