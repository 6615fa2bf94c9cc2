# run: merge-hoisted
# fold: always
# refused: its operand conv 'c1' is also read elsewhere
graph no_operand_read_elsewhere {
  %x = input f32[N,2,5,5]
  %w = const f32[2,2,3,3] rand(seed=1)
  %c1 = conv(%x, %w) {pads=[1,1,1,1]}
  %c2 = conv(%c1, %w) {pads=[1,1,1,1]}
  %y = add(%c1, %c2)
  output "y" = %y
}
# expect
graph no_operand_read_elsewhere {
  %x = input f32[N,2,5,5]
  %w = const f32[2,2,3,3] opaque
  %c1 = conv(%x, %w) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,5,5]
  %c2 = conv(%c1, %w) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,5,5]
  %y = add(%c1, %c2) -> f32[N,2,5,5]
  output "y" = %y
}
