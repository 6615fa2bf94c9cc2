# run: canonicalise
graph where_positive {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %c = greater(%x, %zero)
  %y = where(%c, %x, %zero)
  output "y" = %y
}
# expect
graph where_positive {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
