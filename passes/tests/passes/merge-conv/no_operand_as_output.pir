# run: merge-conv
# fold: always
# refused: its operand conv 'c1' is an output of the graph
graph no_operand_as_output {
  %x = input f32[N,2,5,5]
  %w = const f32[2,2,3,3] rand(seed=1)
  %c1 = conv(%x, %w)
  %c2 = conv(%c1, %w)
  output "y" = %c2
  output "inner" = %c1
}
# expect
graph no_operand_as_output {
  %x = input f32[N,2,5,5]
  %w = const f32[2,2,3,3] opaque
  %c1 = conv(%x, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,3,3]
  %c2 = conv(%c1, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,1,1]
  output "y" = %c2
  output "inner" = %c1
}
