# run: fold-batch-norm
# refused: its channel axis is not the one linear 'l' produces
; Over axis 1 of [N,5,3]; the linear layer's outputs are axis 2.
graph linear_of_tokens {
  %x = input f32[N,5,4]
  %w = const f32[3,4] rand(seed=1)
  %gamma = const f32[5] rand(seed=2)
  %beta = const f32[5] rand(seed=3)
  %mean = const f32[5] rand(seed=4)
  %var = const f32[5] splat(0.5)
  %l = linear(%x, %w)
  %y = batch_norm(%l, %gamma, %beta, %mean, %var)
  output "y" = %y
}
# expect
graph linear_of_tokens {
  %x = input f32[N,5,4]
  %w = const f32[3,4] [0.13312304, 0.49156344, 0.9420054, -0.11128163, -0.1114707, 0.52578866, 0.7546973, 0.046134353, -0.42898273, 0.58799314, -0.19171572, 0.2108407]
  %gamma = const f32[5] [0.18237936, 0.49829936, 0.19127607, 0.53083825, -0.3768227]
  %beta = const f32[5] [-0.7730994, 0.40058696, 0.22594929, -0.85426664, -0.56712186]
  %mean = const f32[5] [-0.13708842, 0.78481364, 0.7182342, -0.016451478, -0.21083903]
  %var = const f32[5] splat(0.5)
  %l = linear(%x, %w) -> f32[N,5,3]
  %y = batch_norm(%l, %gamma, %beta, %mean, %var) {eps=1e-5} -> f32[N,5,3]
  output "y" = %y
}
