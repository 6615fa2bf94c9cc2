# run: canonicalise
; max(x, 3·x)
graph max_of_multiples {
  %x = input f32[N,5]
  %three = const f32[] [3.0]
  %part = mul(%x, %three)
  %y = max(%x, %part)
  output "y" = %y
}
# expect
graph max_of_multiples {
  %x = input f32[N,5]
  %y.relu = relu(%x) -> f32[N,5]
  %y.positive_slope = const f32[] [2.0]
  %y.positive = mul(%y.relu, %y.positive_slope) -> f32[N,5]
  %y = add(%x, %y.positive) -> f32[N,5]
  output "y" = %y
}
