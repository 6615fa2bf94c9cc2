# run: merge-conv
# fold: always
# refused: the weights of conv 'c1' are not constants
graph no_weights_of_data {
  %x = input f32[N,2,5,5]
  %w = const f32[2,2,3,3] rand(seed=1)
  %given = input f32[2,2,3,3]
  %c1 = conv(%x, %given)
  %c2 = conv(%c1, %w)
  output "y" = %c2
}
# expect
graph no_weights_of_data {
  %x = input f32[N,2,5,5]
  %w = const f32[2,2,3,3] opaque
  %given = input f32[2,2,3,3]
  %c1 = conv(%x, %given) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,3,3]
  %c2 = conv(%c1, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,1,1]
  output "y" = %c2
}
