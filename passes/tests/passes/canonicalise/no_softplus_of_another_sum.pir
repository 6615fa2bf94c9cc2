# run: canonicalise
graph softplus_of_another_sum {
  %x = input f32[N,5]
  %two = const f32[] [2.0]
  %e = exp(%x)
  %s = add(%e, %two)
  %y = log(%s)
  output "y" = %y
}
# expect
graph softplus_of_another_sum {
  %x = input f32[N,5]
  %two = const f32[] [2.0]
  %e = exp(%x) -> f32[N,5]
  %s = add(%e, %two) -> f32[N,5]
  %y = log(%s) -> f32[N,5]
  output "y" = %y
}
