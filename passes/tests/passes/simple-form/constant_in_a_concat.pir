# run: simple-form
graph constant_in_a_concat {
  %x = input f32[1,2]
  %c = const f32[1,3] [1.0, 2.0, 3.0]
  %y = concat(%x, %c) {axis=1}
  output "y" = %y
}
# expect
graph constant_in_a_concat {
  %x = input f32[1,2]
  %c = const f32[1,3] [1.0, 2.0, 3.0]
  %y.piece_index = const i64[3] [0, 0, 0]
  %y.piece = gather(%x, %y.piece_index) {axis=1} -> f32[1,3]
  %y.copy = reshape(%y.piece) {dims=[1, 3]} -> f32[1,3]
  %y.zeros = sub(%y.piece, %y.copy) -> f32[1,3]
  %y.constant = add(%y.zeros, %c) -> f32[1,3]
  %y = concat(%x, %y.constant) {axis=1} -> f32[1,5]
  output "y" = %y
}
