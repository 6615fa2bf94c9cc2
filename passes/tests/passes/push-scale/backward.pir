# run: push-scale
; What follows is an output, so the producer takes the scale, and its other reader undoes it.
graph backward {
  %x = input f32[N,2,4,4]
  %w0 = const f32[2,2,1,1] [1.0, 2.0, 3.0, 4.0]
  %b0 = const f32[2] [1.0, 2.0]
  %c0 = conv(%x, %w0, %b0)
  %s = const f32[2,1,1] [0.5, 4.0]
  %m = mul(%c0, %s)
  %r = relu(%m) @relu00
  output "r" = %r
  %w1 = const f32[1,2,1,1] [1.0, 1.0]
  %y = conv(%c0, %w1)
  output "y" = %y
}
# expect
graph backward {
  %x = input f32[N,2,4,4]
  %w0.scaled = const f32[2,2,1,1] [0.5, 1.0, 12.0, 16.0]
  %b0.scaled = const f32[2] [0.5, 8.0]
  %m = conv(%x, %w0.scaled, %b0.scaled) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %r = relu(%m) @relu00 -> f32[N,2,4,4]
  %w1.scaled = const f32[1,2,1,1] [2.0, 0.25]
  %y = conv(%m, %w1.scaled) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,4,4]
  output "r" = %r
  output "y" = %y
}
