# run: canonicalise
; The ReLU is that of what is compared.
graph where_of_a_scaled {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %c = const f32[] [0.5]
  %n = mul(%x, %c)
  %b = less(%n, %zero)
  %y = where(%b, %zero, %n)
  output "y" = %y
}
# expect
graph where_of_a_scaled {
  %x = input f32[N,5]
  %c = const f32[] [0.5]
  %n = mul(%x, %c) -> f32[N,5]
  %y = relu(%n) -> f32[N,5]
  output "y" = %y
}
