# run: canonicalise
graph leaky_relu {
  %x = input f32[N,5]
  %y = leaky_relu(%x) {slope=0.1}
  output "y" = %y
}
# expect
graph leaky_relu {
  %x = input f32[N,5]
  %y.slope = const f32[] [0.1]
  %y.rest = const f32[] [0.9]
  %y.linear = mul(%x, %y.slope) -> f32[N,5]
  %y.relu = relu(%x) -> f32[N,5]
  %y.positive = mul(%y.relu, %y.rest) -> f32[N,5]
  %y = add(%y.linear, %y.positive) -> f32[N,5]
  output "y" = %y
}
