# run: fold-batch-norm
; Two convolutions share weights; each gets its own.
graph backward_shared_weights {
  %x = input f32[N,2,4,4]
  %w = const f32[2,2,3,3] rand(seed=1)
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %c = conv(%x, %w) {pads=[1,1,1,1]}
  %n = batch_norm(%c, %gamma, %beta, %mean, %var)
  %r = relu(%n)
  %y = conv(%r, %w) {pads=[1,1,1,1]}
  output "y" = %y
}
# expect
graph backward_shared_weights {
  %x = input f32[N,2,4,4]
  %w = const f32[2,2,3,3] opaque
  %w.folded = const f32[2,2,3,3] opaque
  %n.bias = const f32[2] [0.037870083, -0.9292895]
  %n = conv(%x, %w.folded, %n.bias) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %r = relu(%n) -> f32[N,2,4,4]
  %y = conv(%r, %w) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  output "y" = %y
}
