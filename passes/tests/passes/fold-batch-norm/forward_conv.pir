# run: fold-batch-norm
; Pre-activation order: the normalisation stands before the convolution, which pads nothing.
graph forward_conv {
  %x = input f32[N,2,4,4]
  %r = relu(%x)
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %n = batch_norm(%r, %gamma, %beta, %mean, %var)
  %w = const f32[3,2,3,3] rand(seed=1)
  %b = const f32[3] rand(seed=2)
  %y = conv(%n, %w, %b) {strides=[1,2], dilations=[1,1]}
  output "y" = %y
}
# expect
graph forward_conv {
  %x = input f32[N,2,4,4]
  %r = relu(%x) -> f32[N,2,4,4]
  %w.folded = const f32[3,2,3,3] opaque
  %b.folded = const f32[3] [-0.3874375, 0.28905734, -0.298014]
  %y = conv(%r, %w.folded, %b.folded) {strides=[1, 2], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,3,2,1]
  output "y" = %y
}
