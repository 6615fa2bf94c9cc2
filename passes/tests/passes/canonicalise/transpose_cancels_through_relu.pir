# run: canonicalise
graph transpose_cancels_through_relu {
  %x = input f32[N,2,3,4]
  %t = transpose(%x) {perm=[0,2,3,1]}
  %r = relu(%t)
  %y = transpose(%r) {perm=[0,3,1,2]}
  output "y" = %y
}
# expect
graph transpose_cancels_through_relu {
  %x = input f32[N,2,3,4]
  %r.inner = relu(%x) -> f32[N,2,3,4]
  output "y" = %r.inner
}
