# run: merge-conv
# fold: always
# refused: a correction of the border would cover its map of 2×6
graph no_correction_of_a_small_map {
  %x = input f32[N,2,2,6]
  %w1 = const f32[3,2,3,3] rand(seed=1)
  %w2 = const f32[4,3,3,3] rand(seed=2)
  %b1 = const f32[3] rand(seed=3)
  %b2 = const f32[4] rand(seed=4)
  %c1 = conv(%x, %w1, %b1) {pads=[1,1,1,1]}
  %c2 = conv(%c1, %w2, %b2) {pads=[1,1,1,1]}
  output "y" = %c2
}
# expect
graph no_correction_of_a_small_map {
  %x = input f32[N,2,2,6]
  %w1 = const f32[3,2,3,3] opaque
  %w2 = const f32[4,3,3,3] opaque
  %b1 = const f32[3] [-0.7730994, 0.40058696, 0.22594929]
  %b2 = const f32[4] [-0.13708842, 0.78481364, 0.7182342, -0.016451478]
  %c1 = conv(%x, %w1, %b1) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,3,2,6]
  %c2 = conv(%c1, %w2, %b2) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,4,2,6]
  output "y" = %c2
}
