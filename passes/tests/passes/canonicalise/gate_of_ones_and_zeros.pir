# run: canonicalise
graph gate_of_ones_and_zeros {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %one = const f32[] [1.0]
  %c = less_equal(%x, %zero)
  %gate = where(%c, %zero, %one)
  %y = mul(%x, %gate)
  output "y" = %y
}
# expect
graph gate_of_ones_and_zeros {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
