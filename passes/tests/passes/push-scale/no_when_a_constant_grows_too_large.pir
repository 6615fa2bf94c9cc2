# run: push-scale
# refused: 't' would become 1e4: too large a constant for the bits of a ring
graph no_when_a_constant_grows_too_large {
  %x = input f32[N,2,4,4]
  %s = const f32[2,1,1] [0.5, 0.0009765625]
  %t = const f32[2,1,1] [1.0, 9.765625]
  %m = mul(%x, %s)
  %a = add(%m, %t)
  %r = relu(%a) @relu00
  %w = const f32[1,2,1,1] [1.0, 1.0]
  %y = conv(%r, %w)
  output "y" = %y
}
# expect
graph no_when_a_constant_grows_too_large {
  %x = input f32[N,2,4,4]
  %s = const f32[2,1,1] [0.5, 0.0009765625]
  %t = const f32[2,1,1] [1.0, 9.765625]
  %m = mul(%x, %s) -> f32[N,2,4,4]
  %a = add(%m, %t) -> f32[N,2,4,4]
  %r = relu(%a) @relu00 -> f32[N,2,4,4]
  %w = const f32[1,2,1,1] splat(1.0)
  %y = conv(%r, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,4,4]
  output "y" = %y
}
