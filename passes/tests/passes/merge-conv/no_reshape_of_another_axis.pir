# run: merge-conv
# fold: always
graph no_reshape_of_another_axis {
  %x = input f32[N,2,5,5]
  %w1 = const f32[3,2,3,3] rand(seed=1)
  %w2 = const f32[4,9] rand(seed=2)
  %c = conv(%x, %w1)
  %f = reshape(%c) {dims=[N,3,9]}
  %y = linear(%f, %w2)
  output "y" = %y
}
# expect
graph no_reshape_of_another_axis {
  %x = input f32[N,2,5,5]
  %w1 = const f32[3,2,3,3] opaque
  %w2 = const f32[4,9] opaque
  %c = conv(%x, %w1) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,3,3,3]
  %f = reshape(%c) {dims=[N, 3, 9]} -> f32[N,3,9]
  %y = linear(%f, %w2) -> f32[N,3,4]
  output "y" = %y
}
