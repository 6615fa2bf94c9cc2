# run: fold-batch-norm
# refused: its operand conv 'c' is also read elsewhere
graph operand_as_output {
  %x = input f32[N,2,4,4]
  %w = const f32[2,2,3,3] rand(seed=1)
  %c = conv(%x, %w) {pads=[1,1,1,1]}
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %n = batch_norm(%c, %gamma, %beta, %mean, %var)
  output "features" = %c
  output "y" = %n
}
# expect
graph operand_as_output {
  %x = input f32[N,2,4,4]
  %w = const f32[2,2,3,3] opaque
  %c = conv(%x, %w) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %n = batch_norm(%c, %gamma, %beta, %mean, %var) {eps=1e-5} -> f32[N,2,4,4]
  output "features" = %c
  output "y" = %n
}
