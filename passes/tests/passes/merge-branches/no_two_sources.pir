# run: merge-branches
# fold: always
graph no_two_sources {
  %x = input f32[N,2,5,5]
  %w = const f32[2,2,3,3] rand(seed=1)
  %r = relu(%x)
  %c = conv(%r, %w) {pads=[1,1,1,1]}
  %y = add(%c, %x)
  output "y" = %y
}
# expect
graph no_two_sources {
  %x = input f32[N,2,5,5]
  %w = const f32[2,2,3,3] opaque
  %r = relu(%x) -> f32[N,2,5,5]
  %c = conv(%r, %w) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,5,5]
  %y = add(%c, %x) -> f32[N,2,5,5]
  output "y" = %y
}
