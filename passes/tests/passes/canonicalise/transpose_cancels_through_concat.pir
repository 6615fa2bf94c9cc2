# run: canonicalise
graph transpose_cancels_through_concat {
  %x = input f32[N,2,3,4]
  %z = input f32[N,5,3,4]
  %tx = transpose(%x) {perm=[0,2,3,1]}
  %tz = transpose(%z) {perm=[0,2,3,1]}
  %k = concat(%tx, %tz) {axis=3}
  %y = transpose(%k) {perm=[0,3,1,2]}
  output "y" = %y
}
# expect
graph transpose_cancels_through_concat {
  %x = input f32[N,2,3,4]
  %z = input f32[N,5,3,4]
  %k.inner = concat(%x, %z) {axis=1} -> f32[N,7,3,4]
  output "y" = %k.inner
}
