# run: insert-masks drop-linearized-relu compact-relu fold-scale-and-bias drop-dead
# mask relu00: splat(0)
# slope relu00: [0.5, -2.0, 1.5]
# mask relu01: rand(seed=4, density=0.5)
; All that follows masks, against a ReLU masked by hand: the first layer's slopes end in the convolution's weights.
graph lowered {
  %x = input f32[N,2,4,4]
  %w0 = const f32[3,2,3,3] rand(seed=1)
  %c0 = conv(%x, %w0) {pads=[1,1,1,1]}
  %r0 = relu(%c0) @relu00
  %w1 = const f32[2,3,3,3] rand(seed=2)
  %c1 = conv(%r0, %w1) {pads=[1,1,1,1]}
  %r1 = relu(%c1) @relu01
  output "y" = %r1
}
# expect
graph lowered {
  %x = input f32[N,2,4,4]
  %w0.folded = const f32[3,2,3,3] opaque
  %w1 = const f32[2,3,3,3] opaque
  %relu01.kept = const i64[12] [0, 3, 4, 7, 8, 17, 19, 20, 21, 23, 28, 31]
  %r0 = conv(%x, %w0.folded) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,3,4,4]
  %c1 = conv(%r0, %w1) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %relu01.flat = reshape(%c1) {dims=[N, 32]} @relu01 -> f32[N,32]
  %relu01.gathered = gather(%relu01.flat, %relu01.kept) {axis=1} @relu01 -> f32[N,12]
  %relu01.relu = relu(%relu01.gathered) @relu01 -> f32[N,12]
  %relu01.joined = concat(%relu01.flat, %relu01.relu) {axis=1} @relu01 -> f32[N,44]
  %relu01.places = const i64[32] opaque
  %relu01.placed = gather(%relu01.joined, %relu01.places) {axis=1} @relu01 -> f32[N,32]
  %r1 = reshape(%relu01.placed) {dims=[N, 2, 4, 4]} @relu01 -> f32[N,2,4,4]
  output "y" = %r1
}
