# run: push-scale
graph no_factor_a_place {
  %x = input f32[N,2,1,2]
  %s = const f32[2] [0.5, 2.0]
  %m = mul(%x, %s)
  %r = relu(%m) @relu00
  %w = const f32[1,2,1,1] [1.0, 1.0]
  %y = conv(%r, %w)
  output "y" = %y
}
# expect
graph no_factor_a_place {
  %x = input f32[N,2,1,2]
  %s = const f32[2] [0.5, 2.0]
  %m = mul(%x, %s) -> f32[N,2,1,2]
  %r = relu(%m) @relu00 -> f32[N,2,1,2]
  %w = const f32[1,2,1,1] splat(1.0)
  %y = conv(%r, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,1,2]
  output "y" = %y
}
