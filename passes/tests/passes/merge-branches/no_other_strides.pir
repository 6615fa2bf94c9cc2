# run: merge-branches
# fold: always
# refused: one has strides [2, 2] and another [1, 1], so the branches from 'x' stay apart
graph no_other_strides {
  %x = input f32[N,1,3,3]
  %w = const f32[1,1,1,1] [2.0]
  %c = conv(%x, %w) {strides=[2,2], pads=[1,1,1,1]}
  %y = add(%c, %x)
  output "y" = %y
}
# expect
graph no_other_strides {
  %x = input f32[N,1,3,3]
  %w = const f32[1,1,1,1] [2.0]
  %c = conv(%x, %w) {strides=[2, 2], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,1,3,3]
  %y = add(%c, %x) -> f32[N,1,3,3]
  output "y" = %y
}
