# run: canonicalise
; The condition is on another value than the one it picks.
graph where_of_another {
  %x = input f32[N,5]
  %z = input f32[N,5]
  %zero = const f32[] [0.0]
  %c = greater(%z, %zero)
  %y = where(%c, %x, %zero)
  output "y" = %y
}
# expect
graph where_of_another {
  %x = input f32[N,5]
  %z = input f32[N,5]
  %zero = const f32[] [0.0]
  %c = greater(%z, %zero) -> bool[N,5]
  %y = where(%c, %x, %zero) -> f32[N,5]
  output "y" = %y
}
