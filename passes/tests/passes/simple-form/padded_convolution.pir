# run: simple-form
graph padded_convolution {
  %x = input f32[N,3,4,4]
  %w = const f32[2,3,3,3] rand(seed=1)
  %y = conv(%x, %w) {strides=[2,2], pads=[0,0,1,1], dilations=[1,1], group=1}
  output "y" = %y
}
# expect
graph padded_convolution {
  %x = input f32[N,3,4,4]
  %w = const f32[2,3,3,3] opaque
  %y.piece_index = const i64[1] [0]
  %y.piece = gather(%x, %y.piece_index) {axis=2} -> f32[N,3,1,4]
  %y.copy = reshape(%y.piece) {dims=[N, 3, 1, 4]} -> f32[N,3,1,4]
  %y.zeros = sub(%y.piece, %y.copy) -> f32[N,3,1,4]
  %y.padded = concat(%x, %y.zeros) {axis=2} -> f32[N,3,5,4]
  %y.piece_index.1 = const i64[1] [0]
  %y.piece.1 = gather(%y.padded, %y.piece_index.1) {axis=3} -> f32[N,3,5,1]
  %y.copy.1 = reshape(%y.piece.1) {dims=[N, 3, 5, 1]} -> f32[N,3,5,1]
  %y.zeros.1 = sub(%y.piece.1, %y.copy.1) -> f32[N,3,5,1]
  %y.padded.1 = concat(%y.padded, %y.zeros.1) {axis=3} -> f32[N,3,5,5]
  %y = conv(%y.padded.1, %w) {strides=[2, 2], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,2,2]
  output "y" = %y
}
