# run: canonicalise
graph reduce_sum {
  %x = input f32[N,3,4,4]
  %a = reduce(%x) {kind=sum, axes=[2,3], keep=true}
  %b = reduce(%x) {kind=mean, axes=[1,2,3], keep=true}
  %c = reduce(%x) {kind=mean, axes=[3], keep=true}
  output "a" = %a
  output "b" = %b
  output "c" = %c
}
# expect
graph reduce_sum {
  %x = input f32[N,3,4,4]
  %a = reduce(%x) {kind=sum, axes=[2, 3], keep=true} -> f32[N,3,1,1]
  %b = reduce(%x) {kind=mean, axes=[1, 2, 3], keep=true} -> f32[N,1,1,1]
  %c = reduce(%x) {kind=mean, axes=[3], keep=true} -> f32[N,3,4,1]
  output "a" = %a
  output "b" = %b
  output "c" = %c
}
