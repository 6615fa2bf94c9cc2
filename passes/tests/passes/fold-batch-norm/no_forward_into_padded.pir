# run: fold-batch-norm
# refused: it follows add 's', which has no weights to take it, and the following conv 'c' pads by [1, 1, 1, 1], so its shift would be wrong at the border
graph forward_into_padded {
  %x = input f32[N,2,4,4]
  %s = add(%x, %x)
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %n = batch_norm(%s, %gamma, %beta, %mean, %var)
  %w = const f32[3,2,3,3] rand(seed=1)
  %c = conv(%n, %w) {pads=[1,1,1,1]}
  output "y" = %c
}
# expect
graph forward_into_padded {
  %x = input f32[N,2,4,4]
  %s = add(%x, %x) -> f32[N,2,4,4]
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %n = batch_norm(%s, %gamma, %beta, %mean, %var) {eps=1e-5} -> f32[N,2,4,4]
  %w = const f32[3,2,3,3] opaque
  %c = conv(%n, %w) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,3,4,4]
  output "y" = %c
}
