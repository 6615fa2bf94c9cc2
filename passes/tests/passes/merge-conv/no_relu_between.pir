# run: merge-conv
# fold: always
graph no_relu_between {
  %x = input f32[N,2,5,5]
  %w = const f32[2,2,3,3] rand(seed=1)
  %c1 = conv(%x, %w)
  %r = relu(%c1)
  %c2 = conv(%r, %w)
  output "y" = %c2
}
# expect
graph no_relu_between {
  %x = input f32[N,2,5,5]
  %w = const f32[2,2,3,3] opaque
  %c1 = conv(%x, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,3,3]
  %r = relu(%c1) -> f32[N,2,3,3]
  %c2 = conv(%r, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,1,1]
  output "y" = %c2
}
