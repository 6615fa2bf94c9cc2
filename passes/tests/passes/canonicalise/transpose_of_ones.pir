# run: canonicalise
; Only axes of size 1 move, so it is a reshape.
graph transpose_of_ones {
  %x = input f32[N,1,4,3]
  %t = transpose(%x) {perm=[0,2,3,1]}
  %y = relu(%t)
  output "y" = %y
}
# expect
graph transpose_of_ones {
  %x = input f32[N,1,4,3]
  %t = reshape(%x) {dims=[N, 4, 3, 1]} -> f32[N,4,3,1]
  %y = relu(%t) -> f32[N,4,3,1]
  output "y" = %y
}
