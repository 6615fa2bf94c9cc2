# run: merge-branches
# fold: always
graph option_a {
  %x = input f32[N,2,6,7]
  %w = const f32[4,2,3,3] rand(seed=1)
  %c = conv(%x, %w) {strides=[2,2], pads=[1,1,1,1]}
  %s = slice(%x) {axes=[2], starts=[0], ends=[9223372036854775807], steps=[2]}
  %t = slice(%s) {axes=[3], starts=[0], ends=[9223372036854775807], steps=[2]}
  %p = pad(%t) {before=[0,1,0,0], after=[0,1,0,0]}
  %y = add(%c, %p)
  output "y" = %y
}
# expect
graph option_a {
  %x = input f32[N,2,6,7]
  %y.merged.weight = const f32[4,2,3,3] opaque
  %y = conv(%x, %y.merged.weight) {strides=[2, 2], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,4,3,4]
  output "y" = %y
}
