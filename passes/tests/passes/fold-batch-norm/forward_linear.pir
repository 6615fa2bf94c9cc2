# run: fold-batch-norm
graph forward_linear {
  %x = input f32[N,2]
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %n = batch_norm(%x, %gamma, %beta, %mean, %var)
  %w = const f32[3,2] rand(seed=1)
  %b = const f32[3] rand(seed=2)
  %y = linear(%n, %w, %b)
  output "y" = %y
}
# expect
graph forward_linear {
  %x = input f32[N,2]
  %w.folded = const f32[3,2] [0.28239378, -0.17379348, 1.9982753, 0.0393439, -0.2364627, -0.1858939]
  %b.folded = const f32[3] [-0.269384, 0.637386, -0.30155522]
  %y = linear(%x, %w.folded, %b.folded) -> f32[N,3]
  output "y" = %y
}
