# run: canonicalise
; Only axes of size 1 move, so it is a reshape.
graph transpose_of_ones {
  %x = input f32[N,1,4,3]
  %t = transpose(%x) {perm=[0,2,3,1]}
  %y = relu(%t)
  output "y" = %y
}
# expect
