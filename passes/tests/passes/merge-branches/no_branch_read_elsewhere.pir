# run: merge-branches
# fold: always
# refused: conv 'c' is read elsewhere, too
graph no_branch_read_elsewhere {
  %x = input f32[N,2,5,5]
  %w = const f32[2,2,3,3] rand(seed=1)
  %c = conv(%x, %w) {pads=[1,1,1,1]}
  %r = relu(%c)
  %s = add(%c, %x)
  %y = add(%s, %r)
  output "y" = %y
}
# expect
graph no_branch_read_elsewhere {
  %x = input f32[N,2,5,5]
  %w = const f32[2,2,3,3] opaque
  %c = conv(%x, %w) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,5,5]
  %r = relu(%c) -> f32[N,2,5,5]
  %s = add(%c, %x) -> f32[N,2,5,5]
  %y = add(%s, %r) -> f32[N,2,5,5]
  output "y" = %y
}
