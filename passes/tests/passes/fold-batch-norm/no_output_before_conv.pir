# run: fold-batch-norm
# refused: its result is not read by one following linear operation alone
; The normalised value is itself an output.
graph output_before_conv {
  %x = input f32[N,2,4,4]
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %n = batch_norm(%x, %gamma, %beta, %mean, %var)
  %w = const f32[3,2,1,1] rand(seed=1)
  %y = conv(%n, %w)
  output "features" = %n
  output "y" = %y
}
# expect
graph output_before_conv {
  %x = input f32[N,2,4,4]
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %n = batch_norm(%x, %gamma, %beta, %mean, %var) {eps=1e-5} -> f32[N,2,4,4]
  %w = const f32[3,2,1,1] [0.13312304, 0.49156344, 0.9420054, -0.11128163, -0.1114707, 0.52578866]
  %y = conv(%n, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,3,4,4]
  output "features" = %n
  output "y" = %y
}
