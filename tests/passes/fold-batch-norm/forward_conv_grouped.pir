# run: fold-batch-norm
; Each group has its own channels of the normalisation.
graph forward_conv_grouped {
  %x = input f32[N,4,4,4]
  %gamma = const f32[4] [1.5, -0.5, 2.0, 0.1]
  %beta = const f32[4] rand(seed=2)
  %mean = const f32[4] rand(seed=3)
  %var = const f32[4] [0.5, 2.0, 1.0, 0.1]
  %n = batch_norm(%x, %gamma, %beta, %mean, %var)
  %w = const f32[6,2,3,3] rand(seed=1)
  %y = conv(%n, %w) {group=2}
  output "y" = %y
}
# expect
