# run: canonicalise
; A leaky ReLU as TensorFlow once wrote it.
graph max_of_a_multiple {
  %x = input f32[N,5]
  %slope = const f32[] [0.2]
  %part = mul(%slope, %x)
  %y = max(%x, %part)
  output "y" = %y
}
# expect
graph max_of_a_multiple {
  %x = input f32[N,5]
  %y.slope = const f32[] [0.2]
  %y.rest = const f32[] [0.8]
  %y.linear = mul(%x, %y.slope) -> f32[N,5]
  %y.relu = relu(%x) -> f32[N,5]
  %y.positive = mul(%y.relu, %y.rest) -> f32[N,5]
  %y = add(%y.linear, %y.positive) -> f32[N,5]
  output "y" = %y
}
