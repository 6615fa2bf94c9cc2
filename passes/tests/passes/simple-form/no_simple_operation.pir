# run: simple-form
graph no_simple_operation {
  %x = input f32[N,3,4,4]
  %w = const f32[2,3,3,3] rand(seed=1)
  %c = conv(%x, %w) {strides=[1,1], pads=[1,1,1,1], dilations=[1,1], group=1}
  %y = relu(%c)
  output "y" = %y
}
# expect
graph no_simple_operation {
  %x = input f32[N,3,4,4]
  %w = const f32[2,3,3,3] opaque
  %c = conv(%x, %w) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %y = relu(%c) -> f32[N,2,4,4]
  output "y" = %y
}
