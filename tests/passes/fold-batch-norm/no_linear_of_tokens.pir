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
