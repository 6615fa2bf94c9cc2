# run: insert-masks drop-linearized-relu compact-relu fold-scale-and-bias drop-dead
# mask relu00: splat(0)
# slope relu00: [0.5, -2.0, 1.5]
# mask relu01: rand(seed=4, density=0.5)
; All that follows masks, against a ReLU masked by hand: the first layer's slopes end in the convolution's weights.
graph lowered {
  %x = input f32[N,2,4,4]
  %w0 = const f32[3,2,3,3] rand(seed=1)
  %c0 = conv(%x, %w0) {pads=[1,1,1,1]}
  %r0 = relu(%c0) @relu00
  %w1 = const f32[2,3,3,3] rand(seed=2)
  %c1 = conv(%r0, %w1) {pads=[1,1,1,1]}
  %r1 = relu(%c1) @relu01
  output "y" = %r1
}
# expect
