# run: fold-batch-norm split-batch-norm fold-scale-and-bias
# refused: so its shift would be wrong at the border
# refused: so the shift would be wrong at the border
; Padding forbids the fold, so one multiplication and one addition a channel stay.
graph after_fold {
  %x = input f32[N,2,4,4]
  %s = add(%x, %x)
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %n = batch_norm(%s, %gamma, %beta, %mean, %var)
  %w = const f32[3,2,3,3] rand(seed=1)
  %y = conv(%n, %w) {pads=[1,1,1,1]}
  output "y" = %y
}
# expect
graph after_fold {
  %x = input f32[N,2,4,4]
  %s = add(%x, %x) -> f32[N,2,4,4]
  %w = const f32[3,2,3,3] opaque
  %n.scale = const f32[2,1,1] [2.121299, -0.35355252]
  %n.shift = const f32[2,1,1] [0.037870083, -0.9292895]
  %n.scaled = mul(%s, %n.scale) -> f32[N,2,4,4]
  %n = add(%n.scaled, %n.shift) -> f32[N,2,4,4]
  %y = conv(%n, %w) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,3,4,4]
  output "y" = %y
}
