# run: fold-scale-and-bias
graph sub_div_after_conv {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %b = const f32[3] rand(seed=2)
  %c = conv(%x, %w, %b)
  %t = const f32[3,1,1] [0.25, -1.0, 2.0]
  %d = sub(%c, %t)
  %s = const f32[3,1,1] [2.0, -0.5, 4.0]
  %y = div(%d, %s)
  output "y" = %y
}
# expect
graph sub_div_after_conv {
  %x = input f32[N,2,4,4]
  %w.folded.1 = const f32[3,2,3,3] opaque
  %b.folded.1 = const f32[3] [-0.033810318, -2.9965987, -0.45218098]
  %y = conv(%x, %w.folded.1, %b.folded.1) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,3,2,2]
  output "y" = %y
}
