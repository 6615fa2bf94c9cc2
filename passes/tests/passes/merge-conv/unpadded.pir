# run: merge-conv
# fold: always
graph unpadded {
  %x = input f32[N,2,7,6]
  %w1 = const f32[3,2,3,3] rand(seed=1)
  %w2 = const f32[4,3,3,2] rand(seed=2)
  %b1 = const f32[3] rand(seed=3)
  %b2 = const f32[4] rand(seed=4)
  %c1 = conv(%x, %w1, %b1) {pads=[1,1,1,1]}
  %c2 = conv(%c1, %w2, %b2)
  output "y" = %c2
}
# expect
graph unpadded {
  %x = input f32[N,2,7,6]
  %c2.merged.weight = const f32[4,2,5,4] opaque
  %c2.merged.bias = const f32[4] [-0.6838073, 2.7564092, 2.253381, 0.8685871]
  %c2 = conv(%x, %c2.merged.weight, %c2.merged.bias) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,4,5,5]
  output "y" = %c2
}
