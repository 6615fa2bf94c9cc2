# run: canonicalise
graph silu {
  %x = input f32[N,5]
  %y = silu(%x)
  output "y" = %y
}
# expect
graph silu {
  %x = input f32[N,5]
  %y.gate = sigmoid(%x) -> f32[N,5]
  %y = mul(%x, %y.gate) -> f32[N,5]
  output "y" = %y
}
