# run: canonicalise
; min(3·x, x)
graph min_of_a_multiple {
  %x = input f32[N,5]
  %three = const f32[] [3.0]
  %part = mul(%x, %three)
  %y = min(%part, %x)
  output "y" = %y
}
# expect
graph min_of_a_multiple {
  %x = input f32[N,5]
  %y.slope = const f32[] [3.0]
  %y.rest = const f32[] [-2.0]
  %y.linear = mul(%x, %y.slope) -> f32[N,5]
  %y.relu = relu(%x) -> f32[N,5]
  %y.positive = mul(%y.relu, %y.rest) -> f32[N,5]
  %y = add(%y.linear, %y.positive) -> f32[N,5]
  output "y" = %y
}
