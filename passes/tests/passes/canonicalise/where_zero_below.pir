# run: canonicalise
; The comparison the other way round.
graph where_zero_below {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %c = less(%zero, %x)
  %y = where(%c, %x, %zero)
  output "y" = %y
}
# expect
graph where_zero_below {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
