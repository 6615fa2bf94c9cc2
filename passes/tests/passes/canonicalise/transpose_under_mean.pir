# run: canonicalise
; GlobalAveragePooling2D in NHWC.
graph transpose_under_mean {
  %x = input f32[N,2,3,4]
  %t = transpose(%x) {perm=[0,2,3,1]}
  %m = reduce(%t) {kind=mean, axes=[1,2], keep=false}
  %k = reduce(%t) {kind=mean, axes=[1,2], keep=true}
  output "m" = %m
  output "k" = %k
}
# expect
graph transpose_under_mean {
  %x = input f32[N,2,3,4]
  %k.inner = global_mean(%x) {keep=true} -> f32[N,2,1,1]
  %m.inner = global_mean(%x) {keep=false} -> f32[N,2]
  %k = reshape(%k.inner) {dims=[N, 1, 1, 2]} -> f32[N,1,1,2]
  output "m" = %m.inner
  output "k" = %k
}
