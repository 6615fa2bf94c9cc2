# run: canonicalise
graph no_max_of_a_part {
  %x = input f32[N,3,4,5]
  %a = reduce(%x) {kind=max, axes=[3], keep=true}
  %b = reduce(%x) {kind=max, axes=[1,2,3], keep=false}
  output "a" = %a
  output "b" = %b
}
# expect
graph no_max_of_a_part {
  %x = input f32[N,3,4,5]
  %a = reduce(%x) {kind=max, axes=[3], keep=true} -> f32[N,3,4,1]
  %b = reduce(%x) {kind=max, axes=[1, 2, 3], keep=false} -> f32[N]
  output "a" = %a
  output "b" = %b
}
