# run: canonicalise
graph avg_pool_of_the_map {
  %x = input f32[N,3,4,5]
  %p = avg_pool(%x) {kernel=[4,5]}
  output "p" = %p
}
# expect
