# run: canonicalise
graph hard_swish {
  %x = input f32[N,5]
  %y = hard_swish(%x)
  output "y" = %y
}
# expect
graph hard_swish {
  %x = input f32[N,5]
  %y.sixth = const f32[] [0.16666667]
  %y.half = const f32[] [0.5]
  %y.scaled = mul(%x, %y.sixth) -> f32[N,5]
  %y.moved = add(%y.scaled, %y.half) -> f32[N,5]
  %y.gate = clip(%y.moved) {min=0.0, max=1.0} -> f32[N,5]
  %y = mul(%x, %y.gate) -> f32[N,5]
  output "y" = %y
}
