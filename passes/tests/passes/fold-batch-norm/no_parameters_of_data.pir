# run: fold-batch-norm
# refused: its parameters are not constants
graph parameters_of_data {
  %x = input f32[N,2,4,4]
  %gamma = input f32[2]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %w = const f32[2,2,1,1] rand(seed=1)
  %c = conv(%x, %w)
  %y = batch_norm(%c, %gamma, %beta, %mean, %var)
  output "y" = %y
}
# expect
graph parameters_of_data {
  %x = input f32[N,2,4,4]
  %gamma = input f32[2]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %w = const f32[2,2,1,1] [0.13312304, 0.49156344, 0.9420054, -0.11128163]
  %c = conv(%x, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %y = batch_norm(%c, %gamma, %beta, %mean, %var) {eps=1e-5} -> f32[N,2,4,4]
  output "y" = %y
}
