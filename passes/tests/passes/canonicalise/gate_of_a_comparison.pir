# run: canonicalise
; x·(x > 0)
graph gate_of_a_comparison {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %c = greater(%x, %zero)
  %gate = cast(%c) {to=f32}
  %y = mul(%gate, %x)
  output "y" = %y
}
# expect
graph gate_of_a_comparison {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
