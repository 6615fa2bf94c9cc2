# run: canonicalise
; The negative part.
graph where_negative_part {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %c = less(%x, %zero)
  %y = where(%c, %x, %zero)
  output "y" = %y
}
# expect
graph where_negative_part {
  %x = input f32[N,5]
  %y.zero = const f32[] [0.0]
  %y = min(%x, %y.zero) -> f32[N,5]
  output "y" = %y
}
