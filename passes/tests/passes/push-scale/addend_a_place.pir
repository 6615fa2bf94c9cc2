# run: push-scale
graph addend_a_place {
  %x = input f32[N,2,1,2]
  %s = const f32[1,2,1,1] [0.5, 4.0]
  %m = mul(%s, %x)
  %t = const f32[2] [1.0, 2.0]
  %a = sub(%t, %m)
  %r = relu(%a) @relu00
  %w = const f32[1,2,1,1] [1.0, 1.0]
  %y = conv(%r, %w)
  output "y" = %y
}
# expect
graph addend_a_place {
  %x = input f32[N,2,1,2]
  %t.scaled = const f32[2,1,2] [2.0, 4.0, 0.25, 0.5]
  %a = sub(%t.scaled, %x) -> f32[N,2,1,2]
  %r = relu(%a) @relu00 -> f32[N,2,1,2]
  %w.scaled = const f32[1,2,1,1] [0.5, 4.0]
  %y = conv(%r, %w.scaled) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,1,2]
  output "y" = %y
}
