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
