# run: canonicalise
graph where_positive {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %c = greater(%x, %zero)
  %y = where(%c, %x, %zero)
  output "y" = %y
}
# expect
