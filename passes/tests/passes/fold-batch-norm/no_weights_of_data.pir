# run: fold-batch-norm
# refused: it follows conv 'c', which has no weights to take it
graph weights_of_data {
  %x = input f32[N,2,4,4]
  %w = input f32[2,2,1,1]
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %c = conv(%x, %w)
  %y = batch_norm(%c, %gamma, %beta, %mean, %var)
  output "y" = %y
}
# expect
graph weights_of_data {
  %x = input f32[N,2,4,4]
  %w = input f32[2,2,1,1]
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %c = conv(%x, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %y = batch_norm(%c, %gamma, %beta, %mean, %var) {eps=1e-5} -> f32[N,2,4,4]
  output "y" = %y
}
