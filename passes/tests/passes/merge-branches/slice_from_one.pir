# run: merge-branches
# fold: always
graph slice_from_one {
  %x = input f32[N,2,6,6]
  %w = const f32[2,2,3,3] rand(seed=1)
  %c = conv(%x, %w) {strides=[2,2], pads=[1,1,0,0]}
  %s = slice(%x) {axes=[2,3], starts=[1,1], ends=[6,6], steps=[2,2]}
  %y = add(%c, %s)
  output "y" = %y
}
# expect
graph slice_from_one {
  %x = input f32[N,2,6,6]
  %y.merged.weight = const f32[2,2,3,3] opaque
  %y = conv(%x, %y.merged.weight) {strides=[2, 2], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,3,3]
  output "y" = %y
}
