# run: canonicalise
graph transpose_cancels_through_pad {
  %x = input f32[N,2,3,4]
  %t = transpose(%x) {perm=[0,2,3,1]}
  %p = pad(%t) {before=[0,1,2,3], after=[0,4,5,6], value=-1.5}
  %y = transpose(%p) {perm=[0,3,1,2]}
  output "y" = %y
}
# expect
graph transpose_cancels_through_pad {
  %x = input f32[N,2,3,4]
  %p.inner = pad(%x) {before=[0, 3, 1, 2], after=[0, 6, 4, 5], value=-1.5} -> f32[N,11,8,11]
  output "y" = %p.inner
}
