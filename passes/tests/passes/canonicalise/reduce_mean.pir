# run: canonicalise
graph reduce_mean {
  %x = input f32[N,3,4,4]
  %m = reduce(%x) {kind=mean, axes=[2,3], keep=true}
  %k = reduce(%x) {kind=mean, axes=[2,3], keep=false}
  output "m" = %m
  output "k" = %k
}
# expect
graph reduce_mean {
  %x = input f32[N,3,4,4]
  %k = global_mean(%x) {keep=false} -> f32[N,3]
  %m = global_mean(%x) {keep=true} -> f32[N,3,1,1]
  output "m" = %m
  output "k" = %k
}
