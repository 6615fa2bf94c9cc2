# run: hoist-padding
# hoist: padding
graph padded_3x3 {
  %x = input f32[N,2,8,8]
  %w1 = const f32[3,2,3,3] rand(seed=1)
  %w2 = const f32[4,3,3,3] rand(seed=2)
  %b1 = const f32[3] rand(seed=3)
  %b2 = const f32[4] rand(seed=4)
  %c1 = conv(%x, %w1, %b1) {pads=[1,1,1,1]}
  %c2 = conv(%c1, %w2, %b2) {pads=[1,1,1,1]}
  output "y" = %c2
}
# expect
graph padded_3x3 {
  %x = input f32[N,2,8,8]
  %w1 = const f32[3,2,3,3] opaque
  %w2 = const f32[4,3,3,3] opaque
  %b1 = const f32[3] [-0.7730994, 0.40058696, 0.22594929]
  %b2 = const f32[4] [-0.13708842, 0.78481364, 0.7182342, -0.016451478]
  %c1.padded = conv(%x, %w1, %b1) {strides=[1, 1], pads=[2, 2, 2, 2], dilations=[1, 1], group=1} -> f32[N,3,10,10]
  %c2 = conv(%c1.padded, %w2, %b2) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,8,8]
  output "y" = %c2
}
