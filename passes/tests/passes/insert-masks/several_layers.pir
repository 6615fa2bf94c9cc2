# run: insert-masks
# mask relu00: rand(seed=3, density=0.4)
# mask relu02: rand(seed=4, density=0.6)
# slope relu02: rand(seed=5)
; The second layer has no mask and keeps its ReLUs.
graph several_layers {
  %x = input f32[N,2,4,4]
  %w0 = const f32[3,2,3,3] rand(seed=1)
  %c0 = conv(%x, %w0) {pads=[1,1,1,1]}
  %r0 = relu(%c0) @relu00
  %w1 = const f32[3,3,3,3] rand(seed=2)
  %c1 = conv(%r0, %w1) {pads=[1,1,1,1]}
  %r1 = relu(%c1) @relu01
  %s = add(%r1, %r0)
  %f = reshape(%s) {dims=[N,48]}
  %w2 = const f32[6,48] rand(seed=6)
  %l = linear(%f, %w2)
  %r2 = relu(%l) @relu02
  output "y" = %r2
}
# expect
graph several_layers {
  %x = input f32[N,2,4,4]
  %w0 = const f32[3,2,3,3] opaque
  %c0 = conv(%x, %w0) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,3,4,4]
  %relu02.mask = const u8[6] [1, 0, 0, 1, 1, 1]
  %w1 = const f32[3,3,3,3] opaque
  %w2 = const f32[6,48] opaque
  %relu00.mask = const u8[3,4,4] opaque
  %r0 = masked_relu(%c0, %relu00.mask) @relu00 -> f32[N,3,4,4]
  %c1 = conv(%r0, %w1) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,3,4,4]
  %r1 = relu(%c1) @relu01 -> f32[N,3,4,4]
  %s = add(%r1, %r0) -> f32[N,3,4,4]
  %f = reshape(%s) {dims=[N, 48]} -> f32[N,48]
  %l = linear(%f, %w2) -> f32[N,6]
  %relu02.slope = const f32[6] [-0.22646391, 0.504614, -0.5345818, -0.80132127, -0.6240798, -0.23878217]
  %r2 = masked_relu(%l, %relu02.mask, slope=%relu02.slope) @relu02 -> f32[N,6]
  output "y" = %r2
}
