# run: canonicalise
; The gate looks at another value.
graph gate_of_another {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %n = neg(%x)
  %c = greater(%n, %zero)
  %gate = cast(%c) {to=f32}
  %y = mul(%x, %gate)
  output "y" = %y
}
# expect
graph gate_of_another {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %n = neg(%x) -> f32[N,5]
  %c = greater(%n, %zero) -> bool[N,5]
  %gate = cast(%c) {to=f32} -> f32[N,5]
  %y = mul(%x, %gate) -> f32[N,5]
  output "y" = %y
}
