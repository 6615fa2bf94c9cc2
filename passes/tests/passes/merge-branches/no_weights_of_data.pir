# run: merge-branches
# fold: always
# refused: conv 'c' has weights that are not constants
graph no_weights_of_data {
  %x = input f32[N,2,5,5]
  %w = input f32[2,2,3,3]
  %c = conv(%x, %w) {pads=[1,1,1,1]}
  %y = add(%c, %x)
  output "y" = %y
}
# expect
graph no_weights_of_data {
  %x = input f32[N,2,5,5]
  %w = input f32[2,2,3,3]
  %c = conv(%x, %w) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,5,5]
  %y = add(%c, %x) -> f32[N,2,5,5]
  output "y" = %y
}
