# run: merge-branches
# fold: always
graph groups {
  %x = input f32[N,4,5,5]
  %w = const f32[4,1,3,3] rand(seed=1)
  %v = const f32[4,2,1,1] rand(seed=2)
  %c = conv(%x, %w) {pads=[1,1,1,1], group=4}
  %d = conv(%x, %v) {group=2}
  %y = add(%c, %d)
  output "y" = %y
}
# expect
graph groups {
  %x = input f32[N,4,5,5]
  %y.merged.weight = const f32[4,2,3,3] opaque
  %y = conv(%x, %y.merged.weight) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=2} -> f32[N,4,5,5]
  output "y" = %y
}
