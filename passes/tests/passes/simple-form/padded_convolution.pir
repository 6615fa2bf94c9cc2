# run: simple-form
graph padded_convolution {
  %x = input f32[N,3,4,4]
  %w = const f32[2,3,3,3] rand(seed=1)
  %y = conv(%x, %w) {strides=[2,2], pads=[0,0,1,1], dilations=[1,1], group=1}
  output "y" = %y
}
# expect
