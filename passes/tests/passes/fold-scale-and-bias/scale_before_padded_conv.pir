# run: fold-scale-and-bias
graph scale_before_padded_conv {
  %x = input f32[N,3,4,4]
  %s = const f32[] [0.00392156862745098]
  %m = mul(%x, %s)
  %w = const f32[2,3,3,3] rand(seed=1)
  %y = conv(%m, %w) {pads=[1,1,1,1]}
  output "y" = %y
}
# expect
graph scale_before_padded_conv {
  %x = input f32[N,3,4,4]
  %w.folded = const f32[2,3,3,3] opaque
  %y = conv(%x, %w.folded) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  output "y" = %y
}
