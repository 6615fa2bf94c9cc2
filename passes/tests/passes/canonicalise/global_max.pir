# run: canonicalise
graph global_max {
  %x = input f32[N,3,4,5]
  %a = reduce(%x) {kind=max, axes=[2,3], keep=true}
  %b = reduce(%x) {kind=max, axes=[2,3], keep=false}
  output "a" = %a
  output "b" = %b
}
# expect
