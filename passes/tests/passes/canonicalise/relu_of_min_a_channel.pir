# run: canonicalise
graph relu_of_min_a_channel {
  %x = input f32[N,3,2,2]
  %caps = const f32[1,3,1,1] [0.5, 2.0, 1.0]
  %m = min(%x, %caps)
  %r = relu(%m)
  %y = abs(%r)
  output "y" = %y
}
# expect
graph relu_of_min_a_channel {
  %x = input f32[N,3,2,2]
  %r.wider = const f32[1,3,1,1] [4.0, 1.0, 2.0]
  %r.part = const f32[1,3,1,1] [0.25, 1.0, 0.5]
  %r.scaled = mul(%x, %r.wider) -> f32[N,3,2,2]
  %r.capped = capped_relu(%r.scaled) {cap=2.0} -> f32[N,3,2,2]
  %r = mul(%r.capped, %r.part) -> f32[N,3,2,2]
  %y = abs(%r) -> f32[N,3,2,2]
  output "y" = %y
}
