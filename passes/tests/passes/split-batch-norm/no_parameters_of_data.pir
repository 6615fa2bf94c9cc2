# run: split-batch-norm
# refused: its parameters are not constants
graph parameters_of_data {
  %x = input f32[N,2,3,3]
  %gamma = input f32[2]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %y = batch_norm(%x, %gamma, %beta, %mean, %var)
  output "y" = %y
}
# expect
graph parameters_of_data {
  %x = input f32[N,2,3,3]
  %gamma = input f32[2]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %y = batch_norm(%x, %gamma, %beta, %mean, %var) {eps=1e-5} -> f32[N,2,3,3]
  output "y" = %y
}
