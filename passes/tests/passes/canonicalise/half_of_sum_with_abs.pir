# run: canonicalise
; (x + |x|) / 2
graph half_of_sum_with_abs {
  %x = input f32[N,5]
  %two = const f32[] [2.0]
  %a = abs(%x)
  %s = add(%x, %a)
  %y = div(%s, %two)
  output "y" = %y
}
# expect
graph half_of_sum_with_abs {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
