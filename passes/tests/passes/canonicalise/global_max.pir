# run: canonicalise
graph global_max {
  %x = input f32[N,3,4,5]
  %a = reduce(%x) {kind=max, axes=[2,3], keep=true}
  %b = reduce(%x) {kind=max, axes=[2,3], keep=false}
  output "a" = %a
  output "b" = %b
}
# expect
graph global_max {
  %x = input f32[N,3,4,5]
  %b.pooled = max_pool(%x) {kernel=[4, 5], strides=[1, 1], pads=[0, 0, 0, 0], ceil=false} -> f32[N,3,1,1]
  %a = max_pool(%x) {kernel=[4, 5], strides=[1, 1], pads=[0, 0, 0, 0], ceil=false} -> f32[N,3,1,1]
  %b = reshape(%b.pooled) {dims=[N, 3]} -> f32[N,3]
  output "a" = %a
  output "b" = %b
}
