# run: canonicalise
; The axes that stay change places.
graph transpose_under_another_mean {
  %x = input f32[N,2,3,4]
  %t = transpose(%x) {perm=[0,3,1,2]}
  %m = reduce(%t) {kind=mean, axes=[2], keep=false}
  output "m" = %m
}
# expect
graph transpose_under_another_mean {
  %x = input f32[N,2,3,4]
  %m.inner = reduce(%x) {kind=mean, axes=[1], keep=false} -> f32[N,3,4]
  %m = transpose(%m.inner) {perm=[0, 2, 1]} -> f32[N,4,3]
  output "m" = %m
}
