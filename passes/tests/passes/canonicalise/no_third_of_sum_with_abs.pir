# run: canonicalise
graph third_of_sum_with_abs {
  %x = input f32[N,5]
  %third = const f32[] [0.3]
  %a = abs(%x)
  %s = add(%x, %a)
  %y = mul(%s, %third)
  output "y" = %y
}
# expect
graph third_of_sum_with_abs {
  %x = input f32[N,5]
  %third = const f32[] [0.3]
  %a = abs(%x) -> f32[N,5]
  %s = add(%x, %a) -> f32[N,5]
  %y = mul(%s, %third) -> f32[N,5]
  output "y" = %y
}
