# run: merge-branches
# fold: always
graph slice_that_ends_early {
  %x = input f32[N,1,8,8]
  %w = const f32[1,1,1,1] [2.0]
  %c = conv(%x, %w) {strides=[3,3]}
  %s = slice(%x) {axes=[2,3], starts=[1,1], ends=[8,8], steps=[3,3]}
  %y = add(%c, %s)
  output "y" = %y
}
# expect
graph slice_that_ends_early {
  %x = input f32[N,1,8,8]
  %y.merged.weight = const f32[1,1,2,2] [2.0, 0.0, 0.0, 1.0]
  %y = conv(%x, %y.merged.weight) {strides=[3, 3], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,3,3]
  output "y" = %y
}
