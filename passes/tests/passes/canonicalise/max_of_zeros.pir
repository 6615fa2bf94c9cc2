# run: canonicalise
graph max_of_zeros {
  %x = input f32[N,2,3,3]
  %zero = const f32[2,1,1] splat(0.0)
  %y = max(%x, %zero)
  output "y" = %y
}
# expect
graph max_of_zeros {
  %x = input f32[N,2,3,3]
  %y = relu(%x) -> f32[N,2,3,3]
  output "y" = %y
}
