# run: canonicalise
graph where_leaky {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %slope = const f32[] [0.1]
  %part = mul(%x, %slope)
  %c = greater(%x, %zero)
  %y = where(%c, %x, %part)
  output "y" = %y
}
# expect
graph where_leaky {
  %x = input f32[N,5]
  %y.slope = const f32[] [0.1]
  %y.rest = const f32[] [0.9]
  %y.linear = mul(%x, %y.slope) -> f32[N,5]
  %y.relu = relu(%x) -> f32[N,5]
  %y.positive = mul(%y.relu, %y.rest) -> f32[N,5]
  %y = add(%y.linear, %y.positive) -> f32[N,5]
  output "y" = %y
}
