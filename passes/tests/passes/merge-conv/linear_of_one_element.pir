# run: merge-conv
# fold: always
graph linear_of_one_element {
  %x = input f32[N,2,3,3]
  %w1 = const f32[4,1,3,3] rand(seed=1)
  %b1 = const f32[4] rand(seed=2)
  %w2 = const f32[5,4] rand(seed=3)
  %b2 = const f32[5] rand(seed=4)
  %c = conv(%x, %w1, %b1) {group=2}
  %f = reshape(%c) {dims=[N,4]}
  %y = linear(%f, %w2, %b2)
  output "y" = %y
}
# expect
graph linear_of_one_element {
  %x = input f32[N,2,3,3]
  %y.merged.weight = const f32[5,2,3,3] opaque
  %y.merged.bias = const f32[5] [-0.48873228, 1.0902587, 1.4030488, 0.2133572, -0.7079945]
  %y.merged = conv(%x, %y.merged.weight, %y.merged.bias) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,5,1,1]
  %y = reshape(%y.merged) {dims=[N, 5]} -> f32[N,5]
  output "y" = %y
}
