# run: merge-conv
# fold: always
# refused: conv 'c1' and conv 'c2' would make a kernel of 9 taps a side, more than a map of 4 can use
graph no_kernel_wider_than_the_map {
  %x = input f32[N,1,4,4]
  %w1 = const f32[1,1,5,5] rand(seed=1)
  %w2 = const f32[1,1,5,5] rand(seed=2)
  %b1 = const f32[1] rand(seed=3)
  %b2 = const f32[1] rand(seed=4)
  %c1 = conv(%x, %w1, %b1) {pads=[4,4,4,4]}
  %c2 = conv(%c1, %w2, %b2)
  output "y" = %c2
}
# expect
graph no_kernel_wider_than_the_map {
  %x = input f32[N,1,4,4]
  %w1 = const f32[1,1,5,5] opaque
  %w2 = const f32[1,1,5,5] opaque
  %b1 = const f32[1] [-0.7730994]
  %b2 = const f32[1] [-0.13708842]
  %c1 = conv(%x, %w1, %b1) {strides=[1, 1], pads=[4, 4, 4, 4], dilations=[1, 1], group=1} -> f32[N,1,8,8]
  %c2 = conv(%c1, %w2, %b2) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,4,4]
  output "y" = %c2
}
