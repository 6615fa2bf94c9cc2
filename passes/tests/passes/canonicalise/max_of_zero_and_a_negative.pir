# run: canonicalise
; The ReLU is that of −2·x.
graph max_of_zero_and_a_negative {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %two = const f32[] [-2.0]
  %n = mul(%x, %two)
  %y = max(%n, %zero)
  output "y" = %y
}
# expect
graph max_of_zero_and_a_negative {
  %x = input f32[N,5]
  %two = const f32[] [-2.0]
  %n = mul(%x, %two) -> f32[N,5]
  %y = relu(%n) -> f32[N,5]
  output "y" = %y
}
