# run: canonicalise
; x·(1 − (x ≤ 0))
graph gate_of_one_less {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %one = const f32[] [1.0]
  %c = less_equal(%x, %zero)
  %g = cast(%c) {to=f32}
  %gate = sub(%one, %g)
  %y = mul(%x, %gate)
  output "y" = %y
}
# expect
graph gate_of_one_less {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
