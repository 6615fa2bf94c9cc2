# run: canonicalise
graph where_not_negative {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %zeros = const f32[5] splat(0.0)
  %c = greater_equal(%x, %zero)
  %y = where(%c, %x, %zeros)
  output "y" = %y
}
# expect
graph where_not_negative {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
