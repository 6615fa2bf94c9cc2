# run: merge-conv
# fold: always
graph linear_flattened {
  %x = input f32[N,2,4,4]
  %w1 = const f32[3,2,3,3] rand(seed=1)
  %b1 = const f32[3] rand(seed=2)
  %w2 = const f32[5,48] rand(seed=3)
  %c = conv(%x, %w1, %b1) {pads=[1,1,1,1]}
  %f = reshape(%c) {dims=[N,48]}
  %y = linear(%f, %w2)
  output "y" = %y
}
# expect
graph linear_flattened {
  %x = input f32[N,2,4,4]
  %y.merged.weight = const f32[5,2,4,4] opaque
  %y.merged.bias = const f32[5] [0.614982, -0.682785, -0.6386662, -1.0400199, -0.78558654]
  %y.merged = conv(%x, %y.merged.weight, %y.merged.bias) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,5,1,1]
  %y = reshape(%y.merged) {dims=[N, 5]} -> f32[N,5]
  output "y" = %y
}
