# run: fold-scale-and-bias
graph after_conv_grouped {
  %x = input f32[N,4,3,3]
  %w = const f32[4,2,3,3] rand(seed=1)
  %c = conv(%x, %w) {group=2}
  %s = const f32[4,1,1] [1.0, 2.0, 3.0, 4.0]
  %y = mul(%c, %s)
  output "y" = %y
}
# expect
graph after_conv_grouped {
  %x = input f32[N,4,3,3]
  %w.folded = const f32[4,2,3,3] opaque
  %y = conv(%x, %w.folded) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=2} -> f32[N,4,1,1]
  output "y" = %y
}
