# run: merge-conv
# fold: always
; Outside the map the first computes zeros, as the second reads them.
graph pointwise_without_bias {
  %x = input f32[N,2,5,5]
  %w1 = const f32[3,2,1,1] rand(seed=1)
  %w2 = const f32[4,3,3,3] rand(seed=2)
  %b2 = const f32[4] rand(seed=4)
  %c1 = conv(%x, %w1)
  %c2 = conv(%c1, %w2, %b2) {pads=[1,1,1,1]}
  output "y" = %c2
}
# expect
graph pointwise_without_bias {
  %x = input f32[N,2,5,5]
  %c2.merged.weight = const f32[4,2,3,3] opaque
  %c2.merged.bias = const f32[4] [-0.13708842, 0.78481364, 0.7182342, -0.016451478]
  %c2 = conv(%x, %c2.merged.weight, %c2.merged.bias) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,4,5,5]
  output "y" = %c2
}
