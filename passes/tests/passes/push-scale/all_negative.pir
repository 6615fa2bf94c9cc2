# run: push-scale
graph all_negative {
  %x = input f32[N,2,4,4]
  %s = const f32[2,1,1] [-0.5, -2.0]
  %m = mul(%x, %s)
  %r = relu(%m) @relu00
  %w = const f32[1,2,1,1] [1.0, 1.0]
  %y = conv(%r, %w)
  output "y" = %y
}
# expect
graph all_negative {
  %x = input f32[N,2,4,4]
  %m = neg(%x) -> f32[N,2,4,4]
  %r = relu(%m) @relu00 -> f32[N,2,4,4]
  %w.scaled = const f32[1,2,1,1] [0.5, 2.0]
  %y = conv(%r, %w.scaled) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,4,4]
  output "y" = %y
}
