# run: normalise-ranges
# range c1: 40
# range c2: 3
# range c3: 90
# range y: 7
# target: 3
; Both sides of the addition and what it feeds get one scale; the last layer undoes it.
graph residual {
  %x = input f32[N,2,4,4]
  %w1 = const f32[2,2,1,1] [1.0, -2.0, 0.5, 3.0]
  %b1 = const f32[2] [8.0, -4.0]
  %c1 = conv(%x, %w1, %b1) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1}
  %r1 = relu(%c1) @relu00
  %w2 = const f32[2,2,1,1] [0.5, 1.0, 2.0, -1.0]
  %c2 = conv(%r1, %w2) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1}
  %r2 = relu(%c2) @relu01
  %w3 = const f32[2,2,1,1] [4.0, 1.0, 2.0, 16.0]
  %b3 = const f32[2] [1.0, 2.0]
  %c3 = conv(%r2, %w3, %b3) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1}
  %s = add(%c3, %r1)
  %m = global_mean(%s) {keep=false}
  %w4 = const f32[3,2] [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
  %b4 = const f32[3] [0.5, 0.25, 1.0]
  %y = linear(%m, %w4, %b4)
  output "y" = %y
}
# expect
graph residual {
  %x = input f32[N,2,4,4]
  %b4 = const f32[3] [0.5, 0.25, 1.0]
  %w1 = const f32[2,2,1,1] [0.0625, -0.125, 0.03125, 0.1875]
  %b1 = const f32[2] [0.5, -0.25]
  %c1 = conv(%x, %w1, %b1) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %r1 = relu(%c1) @relu00 -> f32[N,2,4,4]
  %w2 = const f32[2,2,1,1] [16.0, 32.0, 64.0, -32.0]
  %c2 = conv(%r1, %w2) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %r2 = relu(%c2) @relu01 -> f32[N,2,4,4]
  %w3 = const f32[2,2,1,1] [0.125, 0.03125, 0.0625, 0.5]
  %b3 = const f32[2] [0.0625, 0.125]
  %c3 = conv(%r2, %w3, %b3) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %s = add(%c3, %r1) -> f32[N,2,4,4]
  %m = global_mean(%s) {keep=false} -> f32[N,2]
  %w4 = const f32[3,2] [16.0, 32.0, 48.0, 64.0, 80.0, 96.0]
  %y = linear(%m, %w4, %b4) -> f32[N,3]
  output "y" = %y
}
