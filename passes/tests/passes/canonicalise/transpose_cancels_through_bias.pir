# run: canonicalise
; Keras: convolution, then BiasAdd over the last axis; the constant turns with it.
graph transpose_cancels_through_bias {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %c = conv(%x, %w)
  %t = transpose(%c) {perm=[0,2,3,1]}
  %b = const f32[3] [0.1, -0.2, 0.3]
  %a = add(%t, %b)
  %y = transpose(%a) {perm=[0,3,1,2]}
  output "y" = %y
}
# expect
graph transpose_cancels_through_bias {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] opaque
  %c = conv(%x, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,3,2,2]
  %b.moved = const f32[1,3,1,1] [0.1, -0.2, 0.3]
  %a.inner = add(%c, %b.moved) -> f32[N,3,2,2]
  output "y" = %a.inner
}
