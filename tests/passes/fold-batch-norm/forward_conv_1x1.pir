# run: fold-batch-norm
graph forward_conv_1x1 {
  %x = input f32[N,2,4,4]
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %n = batch_norm(%x, %gamma, %beta, %mean, %var)
  %w = const f32[3,2,1,1] rand(seed=1)
  %y = conv(%n, %w)
  output "y" = %y
}
# expect
