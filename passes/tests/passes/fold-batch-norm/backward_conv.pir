# run: fold-batch-norm
graph backward_conv {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %b = const f32[3] rand(seed=2)
  %gamma = const f32[3] [1.5, -0.5, 0.0]
  %beta = const f32[3] [0.25, -1.0, 0.5]
  %mean = const f32[3] [0.1, 0.2, -0.3]
  %var = const f32[3] [0.5, 2.0, 0.01]
  %c = conv(%x, %w, %b) {pads=[1,1,1,1]}
  %n = batch_norm(%c, %gamma, %beta, %mean, %var) {eps=0.001}
  %y = relu(%n)
  output "y" = %y
}
# expect
graph backward_conv {
  %x = input f32[N,2,4,4]
  %w.folded = const f32[3,2,3,3] opaque
  %b.folded = const f32[3] [0.42457852, -1.1054384, 0.5]
  %n = conv(%x, %w.folded, %b.folded) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,3,4,4]
  %y = relu(%n) -> f32[N,3,4,4]
  output "y" = %y
}
