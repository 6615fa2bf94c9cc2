# run: merge-branches
# fold: always
; The first convolution is read twice, as the operand and as the shortcut.
graph of_the_same_conv {
  %x = input f32[N,2,5,5]
  %w = const f32[2,2,3,3] rand(seed=1)
  %c = conv(%x, %w) {pads=[1,1,1,1]}
  %d = conv(%c, %w) {pads=[1,1,1,1]}
  %y = add(%c, %d)
  output "y" = %y
}
# expect
graph of_the_same_conv {
  %x = input f32[N,2,5,5]
  %w = const f32[2,2,3,3] opaque
  %c = conv(%x, %w) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,5,5]
  %y.merged.weight = const f32[2,2,3,3] opaque
  %y = conv(%c, %y.merged.weight) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,5,5]
  output "y" = %y
}
