# run: fold-scale-and-bias
graph constant_minus_conv {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %b = const f32[3] rand(seed=2)
  %c = conv(%x, %w, %b)
  %t = const f32[3,1,1] [0.25, -1.0, 2.0]
  %y = sub(%t, %c)
  output "y" = %y
}
# expect
graph constant_minus_conv {
  %x = input f32[N,2,4,4]
  %w.folded = const f32[3,2,3,3] opaque
  %b.folded = const f32[3] [0.067620635, -1.4982994, 1.8087239]
  %y = conv(%x, %w.folded, %b.folded) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,3,2,2]
  output "y" = %y
}
