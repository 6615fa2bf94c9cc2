# run: canonicalise
graph min_of_relu_a_channel {
  %x = input f32[N,3,2,2]
  %caps = const f32[3,1,1] [0.5, 2.0, 1.0]
  %r = relu(%x)
  %c = min(%r, %caps)
  %y = abs(%c)
  output "y" = %y
}
# expect
graph min_of_relu_a_channel {
  %x = input f32[N,3,2,2]
  %c.wider = const f32[3,1,1] [4.0, 1.0, 2.0]
  %c.part = const f32[3,1,1] [0.25, 1.0, 0.5]
  %c.scaled = mul(%x, %c.wider) -> f32[N,3,2,2]
  %c.capped = capped_relu(%c.scaled) {cap=2.0} -> f32[N,3,2,2]
  %c = mul(%c.capped, %c.part) -> f32[N,3,2,2]
  %y = abs(%c) -> f32[N,3,2,2]
  output "y" = %y
}
