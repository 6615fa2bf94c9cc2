# run: fold-batch-norm
graph backward_twice {
  %x = input f32[N,2,4,4]
  %w = const f32[2,2,3,3] rand(seed=1)
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %c = conv(%x, %w)
  %n = batch_norm(%c, %gamma, %beta, %mean, %var)
  %y = batch_norm(%n, %var, %mean, %beta, %var)
  output "y" = %y
}
# expect
graph backward_twice {
  %x = input f32[N,2,4,4]
  %w.folded.1 = const f32[2,2,3,3] opaque
  %n.bias.folded = const f32[2] [-0.049997002, 0.29999948]
  %y = conv(%x, %w.folded.1, %n.bias.folded) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,2,2]
  output "y" = %y
}
