# run: canonicalise
graph avg_pool_of_a_part {
  %x = input f32[N,3,4,4]
  %p = avg_pool(%x) {kernel=[2,2], strides=[2,2]}
  output "p" = %p
}
# expect
graph avg_pool_of_a_part {
  %x = input f32[N,3,4,4]
  %p = avg_pool(%x) {kernel=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0], ceil=false, count_pad=false} -> f32[N,3,2,2]
  output "p" = %p
}
