# run: canonicalise
graph avg_pool_of_the_map {
  %x = input f32[N,3,4,5]
  %p = avg_pool(%x) {kernel=[4,5]}
  output "p" = %p
}
# expect
graph avg_pool_of_the_map {
  %x = input f32[N,3,4,5]
  %p = global_mean(%x) {keep=true} -> f32[N,3,1,1]
  output "p" = %p
}
