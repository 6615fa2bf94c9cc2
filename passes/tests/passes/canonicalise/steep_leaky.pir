# run: canonicalise
graph steep_leaky {
  %x = input f32[N,5]
  %y = leaky_relu(%x) {slope=1000}
  output "y" = %y
}
# expect
graph steep_leaky {
  %x = input f32[N,5]
  %y.slope = const f32[] [1000.0]
  %y.zero = const f32[] [0.0]
  %y.negative = min(%x, %y.zero) -> f32[N,5]
  %y.linear = mul(%y.negative, %y.slope) -> f32[N,5]
  %y.relu = relu(%x) -> f32[N,5]
  %y = add(%y.linear, %y.relu) -> f32[N,5]
  output "y" = %y
}
