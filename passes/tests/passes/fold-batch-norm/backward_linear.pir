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
graph backward_linear {
  %x = input f32[N,4]
  %w.folded = const f32[3,4] [0.28239378, 1.0427531, 1.9982753, -0.23606163, 0.039410744, -0.1858939, -0.26682514, -0.016310915, -8.575368, 11.753987, -3.8323987, 4.2147074]
  %b.folded = const f32[3] [0.42475128, -1.1054645, 10.320613]
  %y = linear(%x, %w.folded, %b.folded) -> f32[N,3]
  output "y" = %y
}
