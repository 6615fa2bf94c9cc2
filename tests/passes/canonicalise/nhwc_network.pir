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
