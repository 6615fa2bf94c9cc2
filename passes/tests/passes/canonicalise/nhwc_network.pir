# run: canonicalise
; What tf2onnx writes: every convolution between transposes, bias and padding in NHWC, the dense layer after a flatten.
graph nhwc_network {
  %image = input f32[N,6,6,2]
  %t0 = transpose(%image) {perm=[0,3,1,2]}
  %w0 = const f32[4,2,3,3] rand(seed=1)
  %c0 = conv(%t0, %w0) {pads=[1,1,1,1]}
  %n0 = transpose(%c0) {perm=[0,2,3,1]}
  %b0 = const f32[4] rand(seed=2)
  %a0 = add(%n0, %b0)
  %zero = const f32[] [0.0]
  %r0 = max(%a0, %zero)
  %p0 = pad(%r0) {before=[0,1,1,0], after=[0,0,0,0]}
  %t1 = transpose(%p0) {perm=[0,3,1,2]}
  %w1 = const f32[3,4,3,3] rand(seed=3)
  %c1 = conv(%t1, %w1) {strides=[2,2]}
  %n1 = transpose(%c1) {perm=[0,2,3,1]}
  %r1 = relu(%n1)
  %to = const i64[2] [-1, 27]
  %f = dyn.reshape(%r1, %to)
  %w2 = const f32[27,5] rand(seed=4)
  %m = matmul(%f, %w2)
  %b2 = const f32[5] rand(seed=5)
  %y = add(%m, %b2)
  output "y" = %y
}
# expect
graph nhwc_network {
  %image = input f32[N,6,6,2]
  %t0 = transpose(%image) {perm=[0, 3, 1, 2]} -> f32[N,2,6,6]
  %w0 = const f32[4,2,3,3] opaque
  %c0 = conv(%t0, %w0) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,4,6,6]
  %w2.linear.permuted = const f32[5,27] opaque
  %w1 = const f32[3,4,3,3] opaque
  %b2 = const f32[5] [-0.22646391, 0.504614, -0.5345818, -0.80132127, -0.6240798]
  %b0.moved = const f32[1,4,1,1] [0.18237936, 0.49829936, 0.19127607, 0.53083825]
  %a0.inner = add(%c0, %b0.moved) -> f32[N,4,6,6]
  %r0.inner = relu(%a0.inner) -> f32[N,4,6,6]
  %p0.inner = pad(%r0.inner) {before=[0, 0, 1, 1], after=[0, 0, 0, 0], value=0.0} -> f32[N,4,7,7]
  %c1 = conv(%p0.inner, %w1) {strides=[2, 2], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,3,3,3]
  %r1.inner = relu(%c1) -> f32[N,3,3,3]
  %f.1 = reshape(%r1.inner) {dims=[N, 27]} -> f32[N,27]
  %y = linear(%f.1, %w2.linear.permuted, %b2) -> f32[N,5]
  output "y" = %y
}
