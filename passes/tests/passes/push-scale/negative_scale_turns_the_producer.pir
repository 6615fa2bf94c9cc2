# run: push-scale
; Channel 0 of the convolution changes its sign, and so do the other reader's weights for it.
graph negative_scale_turns_the_producer {
  %x = input f32[N,3,4,4]
  %w0 = const f32[2,3,1,1] [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
  %b0 = const f32[2] [1.0, 2.0]
  %c0 = conv(%x, %w0, %b0)
  %s = const f32[2,1,1] [-0.5, 2.0]
  %m = mul(%c0, %s)
  %r = relu(%m) @relu00
  %w1 = const f32[1,2,1,1] [8.0, 16.0]
  %c1 = conv(%r, %w1)
  %w2 = const f32[1,2,1,1] [1.0, 1.0]
  %c2 = conv(%c0, %w2)
  %y = add(%c1, %c2)
  output "y" = %y
}
# expect
graph negative_scale_turns_the_producer {
  %x = input f32[N,3,4,4]
  %w0.scaled = const f32[2,3,1,1] [-1.0, -2.0, -3.0, 4.0, 5.0, 6.0]
  %b0.scaled = const f32[2] [-1.0, 2.0]
  %m = conv(%x, %w0.scaled, %b0.scaled) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %r = relu(%m) @relu00 -> f32[N,2,4,4]
  %w1.scaled = const f32[1,2,1,1] [4.0, 32.0]
  %c1 = conv(%r, %w1.scaled) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,4,4]
  %w2.scaled = const f32[1,2,1,1] [-1.0, 1.0]
  %c2 = conv(%m, %w2.scaled) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,4,4]
  %y = add(%c1, %c2) -> f32[N,1,4,4]
  output "y" = %y
}
