# run: canonicalise
; Two thirds of a turn are a turn back.
graph transpose_of_transpose {
  %x = input f32[N,2,3,4]
  %a = transpose(%x) {perm=[0,2,3,1]}
  %y = transpose(%a) {perm=[0,2,3,1]}
  output "y" = %y
}
# expect
graph transpose_of_transpose {
  %x = input f32[N,2,3,4]
  %y = transpose(%x) {perm=[0, 3, 1, 2]} -> f32[N,4,2,3]
  output "y" = %y
}
