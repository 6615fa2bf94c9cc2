# run: canonicalise
; With a slope above 1 the other side is the steep one.
graph max_of_a_larger_multiple {
  %x = input f32[N,5]
  %slope = const f32[] [1.5]
  %part = mul(%x, %slope)
  %y = max(%x, %part)
  output "y" = %y
}
# expect
graph max_of_a_larger_multiple {
  %x = input f32[N,5]
  %y.relu = relu(%x) -> f32[N,5]
  %y.positive_slope = const f32[] [0.5]
  %y.positive = mul(%y.relu, %y.positive_slope) -> f32[N,5]
  %y = add(%x, %y.positive) -> f32[N,5]
  output "y" = %y
}
