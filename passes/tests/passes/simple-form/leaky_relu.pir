# run: simple-form
graph leaky_relu {
  %x = input f32[N,3,4,4]
  %y = leaky_relu(%x) {slope=0.1}
  output "y" = %y
}
# expect
graph leaky_relu {
  %x = input f32[N,3,4,4]
  %y.slope = const f32[] [0.1]
  %y.scaled = mul(%x, %y.slope) -> f32[N,3,4,4]
  %y.difference = sub(%x, %y.scaled) -> f32[N,3,4,4]
  %y.positive = relu(%y.difference) -> f32[N,3,4,4]
  %y = add(%y.scaled, %y.positive) -> f32[N,3,4,4]
  output "y" = %y
}
