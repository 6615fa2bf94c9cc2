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
graph forward_past_a_shared_operand {
  %x = input f32[N,2,4,4]
  %w = const f32[2,2,1,1] [0.13312304, 0.49156344, 0.9420054, -0.11128163]
  %c = conv(%x, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %v.folded = const f32[2,2,1,1] [0.3868812, -0.17617498, 0.40575376, -0.1876792]
  %d.bias = const f32[2] [-0.45615765, -0.48605877]
  %d = conv(%c, %v.folded, %d.bias) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %y = add(%c, %d) -> f32[N,2,4,4]
  output "y" = %y
}
