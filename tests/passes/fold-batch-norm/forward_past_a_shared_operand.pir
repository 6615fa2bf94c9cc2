# run: fold-batch-norm
; Something else reads the first convolution, so the normalisation goes the other way.
graph forward_past_a_shared_operand {
  %x = input f32[N,2,4,4]
  %w = const f32[2,2,1,1] rand(seed=1)
  %c = conv(%x, %w)
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %n = batch_norm(%c, %gamma, %beta, %mean, %var)
  %v = const f32[2,2,1,1] rand(seed=2)
  %d = conv(%n, %v)
  %y = add(%c, %d)
  output "y" = %y
}
# expect
