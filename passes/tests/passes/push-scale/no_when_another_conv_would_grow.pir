# run: push-scale
# refused: it would make conv 'c' more than 256 times larger
graph no_when_another_conv_would_grow {
  %x = input f32[N,1,4,4]
  %s = const f32[] [0.0009765625]
  %m = mul(%x, %s)
  %w0 = const f32[1,1,1,1] [3.0]
  %c = conv(%x, %w0)
  %a = add(%m, %c)
  %r = relu(%a) @relu00
  %w1 = const f32[1,1,1,1] [1.0]
  %y = conv(%r, %w1)
  output "y" = %y
}
# expect
graph no_when_another_conv_would_grow {
  %x = input f32[N,1,4,4]
  %s = const f32[] [0.0009765625]
  %m = mul(%x, %s) -> f32[N,1,4,4]
  %w0 = const f32[1,1,1,1] [3.0]
  %c = conv(%x, %w0) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,4,4]
  %a = add(%m, %c) -> f32[N,1,4,4]
  %r = relu(%a) @relu00 -> f32[N,1,4,4]
  %w1 = const f32[1,1,1,1] [1.0]
  %y = conv(%r, %w1) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,4,4]
  output "y" = %y
}
