# run: canonicalise
graph transpose_cancels_through_pad {
  %x = input f32[N,2,3,4]
  %t = transpose(%x) {perm=[0,2,3,1]}
  %p = pad(%t) {before=[0,1,2,3], after=[0,4,5,6], value=-1.5}
  %y = transpose(%p) {perm=[0,3,1,2]}
  output "y" = %y
}
# expect
