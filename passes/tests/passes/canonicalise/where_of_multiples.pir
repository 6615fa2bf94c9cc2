# run: canonicalise
; where(x ≤ 0, −x, 3·x)
graph where_of_multiples {
  %x = input f32[N,5]
  %three = const f32[] [3.0]
  %part = mul(%x, %three)
  %zero = const f32[] [0.0]
  %n = neg(%x)
  %c = less_equal(%x, %zero)
  %y = where(%c, %n, %part)
  output "y" = %y
}
# expect
graph where_of_multiples {
  %x = input f32[N,5]
  %y.linear_slope = const f32[] [-1.0]
  %y.linear = mul(%x, %y.linear_slope) -> f32[N,5]
  %y.relu = relu(%x) -> f32[N,5]
  %y.positive_slope = const f32[] [4.0]
  %y.positive = mul(%y.relu, %y.positive_slope) -> f32[N,5]
  %y = add(%y.linear, %y.positive) -> f32[N,5]
  output "y" = %y
}
