# run: simple-form
; Channels of coordinates beside those of the image.
graph expanded_constant_in_a_concat {
  %x = input f32[N,1,2,2]
  %k = const f32[1,2,2,2] [-1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0, 1.0]
  %all = expand(%k) {dims=[N,2,2,2]}
  %y = concat(%x, %all) {axis=1}
  output "y" = %y
}
# expect
graph expanded_constant_in_a_concat {
  %x = input f32[N,1,2,2]
  %k = const f32[1,2,2,2] [-1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0, 1.0]
  %y.piece_index = const i64[2] [0, 0]
  %y.piece = gather(%x, %y.piece_index) {axis=1} -> f32[N,2,2,2]
  %y.copy = reshape(%y.piece) {dims=[N, 2, 2, 2]} -> f32[N,2,2,2]
  %y.zeros = sub(%y.piece, %y.copy) -> f32[N,2,2,2]
  %y.constant = add(%y.zeros, %k) -> f32[N,2,2,2]
  %y = concat(%x, %y.constant) {axis=1} -> f32[N,3,2,2]
  output "y" = %y
}
