# run: split-batch-norm
graph of_vectors {
  %x = input f32[N,2]
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %y = batch_norm(%x, %gamma, %beta, %mean, %var)
  output "y" = %y
}
# expect
graph of_vectors {
  %x = input f32[N,2]
  %y.scale = const f32[2] [2.121299, -0.35355252]
  %y.shift = const f32[2] [0.037870083, -0.9292895]
  %y.scaled = mul(%x, %y.scale) -> f32[N,2]
  %y = add(%y.scaled, %y.shift) -> f32[N,2]
  output "y" = %y
}
