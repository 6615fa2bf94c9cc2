# run: split-batch-norm push-scale
; Both normalisations read the residual sum; each scale goes forward, and the last one through the mean, with its 1/16.
graph two_norms_of_one_sum {
  %x = input f32[N,2,4,4]
  %w0 = const f32[2,2,3,3] rand(seed=1)
  %c0 = conv(%x, %w0) {pads=[1,1,1,1]}
  %g1 = const f32[2] [0.5, 1.5]
  %h1 = const f32[2] [0.1, -0.2]
  %m1 = const f32[2] [0.3, 0.4]
  %v1 = const f32[2] [1.0, 4.0]
  %n1 = batch_norm(%c0, %g1, %h1, %m1, %v1)
  %r1 = relu(%n1) @relu00
  %w1 = const f32[2,2,3,3] rand(seed=2)
  %c1 = conv(%r1, %w1) {pads=[1,1,1,1]}
  %sum = add(%c0, %c1)
  %g2 = const f32[2] [2.0, 0.7]
  %h2 = const f32[2] [0.0, 0.5]
  %m2 = const f32[2] [-0.3, 0.2]
  %v2 = const f32[2] [2.0, 3.0]
  %n2 = batch_norm(%sum, %g2, %h2, %m2, %v2)
  %r2 = relu(%n2) @relu01
  %p = global_mean(%r2) {keep=false}
  %w2 = const f32[3,2] rand(seed=3)
  %b2 = const f32[3] [0.1, 0.2, 0.3]
  %y = linear(%p, %w2, %b2)
  output "y" = %y
}
# expect
graph two_norms_of_one_sum {
  %x = input f32[N,2,4,4]
  %w0 = const f32[2,2,3,3] opaque
  %c0 = conv(%x, %w0) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %n2.shift.scaled = const f32[2,1,1] [0.3, 1.0371813]
  %n1.shift.scaled = const f32[2,1,1] [-0.09999901, -0.66666704]
  %n1 = add(%c0, %n1.shift.scaled) -> f32[N,2,4,4]
  %r1 = relu(%n1) @relu00 -> f32[N,2,4,4]
  %w1.scaled = const f32[2,2,3,3] opaque
  %c1 = conv(%r1, %w1.scaled) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %sum = add(%c0, %c1) -> f32[N,2,4,4]
  %n2 = add(%sum, %n2.shift.scaled) -> f32[N,2,4,4]
  %r2 = relu(%n2) @relu01 -> f32[N,2,4,4]
  %p = reduce(%r2) {kind=sum, axes=[2, 3], keep=false} -> f32[N,2]
  %b2 = const f32[3] [0.1, 0.2, 0.3]
  %w2.scaled.1 = const f32[3,2] [-0.06833281, 0.010118439, 0.019971235, -0.021577947, -0.05012684, 0.006881687]
  %y = linear(%p, %w2.scaled.1, %b2) -> f32[N,3]
  output "y" = %y
}
