# run: fold-batch-norm
graph backward_linear {
  %x = input f32[N,4]
  %w = const f32[3,4] rand(seed=1)
  %b = const f32[3] rand(seed=2)
  %gamma = const f32[3] [1.5, -0.5, 2.0]
  %beta = const f32[3] [0.25, -1.0, 0.5]
  %mean = const f32[3] [0.1, 0.2, -0.3]
  %var = const f32[3] [0.5, 2.0, 0.01]
  %l = linear(%x, %w, %b)
  %y = batch_norm(%l, %gamma, %beta, %mean, %var)
  output "y" = %y
}
# expect
