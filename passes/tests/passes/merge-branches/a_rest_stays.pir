# run: merge-branches
# fold: always
graph a_rest_stays {
  %x = input f32[N,2,5,5]
  %w = const f32[2,2,3,3] rand(seed=1)
  %k = const f32[2,5,5] rand(seed=2)
  %c = conv(%x, %w) {pads=[1,1,1,1]}
  %r = relu(%x)
  %s = add(%c, %r)
  %t = add(%s, %k)
  %y = add(%t, %x)
  output "y" = %y
}
# expect
graph a_rest_stays {
  %x = input f32[N,2,5,5]
  %k = const f32[2,5,5] opaque
  %r = relu(%x) -> f32[N,2,5,5]
  %y.merged.weight = const f32[2,2,3,3] opaque
  %y.merged = conv(%x, %y.merged.weight) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,5,5]
  %y.sum = add(%y.merged, %r) -> f32[N,2,5,5]
  %y = add(%y.sum, %k) -> f32[N,2,5,5]
  output "y" = %y
}
