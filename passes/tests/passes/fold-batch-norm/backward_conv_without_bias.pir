# run: fold-batch-norm
graph backward_conv_without_bias {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %gamma = const f32[3] [1.5, -0.5, 0.0]
  %beta = const f32[3] [0.25, -1.0, 0.5]
  %mean = const f32[3] [0.1, 0.2, -0.3]
  %var = const f32[3] [0.5, 2.0, 0.01]
  %c = conv(%x, %w) {strides=[2,2], pads=[1,1,1,1]}
  %n = batch_norm(%c, %gamma, %beta, %mean, %var)
  output "y" = %n
}
# expect
graph backward_conv_without_bias {
  %x = input f32[N,2,4,4]
  %w.folded = const f32[3,2,3,3] opaque
  %n.bias = const f32[3] [0.037870083, -0.9292895, 0.5]
  %n = conv(%x, %w.folded, %n.bias) {strides=[2, 2], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,3,2,2]
  output "y" = %n
}
