# run: push-scale
graph into_a_grouped_conv {
  %x = input f32[N,4,4,4]
  %s = const f32[4,1,1] [0.5, 2.0, 4.0, 8.0]
  %d = div(%x, %s)
  %r = relu(%d) @relu00
  %w = const f32[2,2,1,1] [1.0, 1.0, 1.0, 1.0]
  %y = conv(%r, %w) {group=2}
  output "y" = %y
}
# expect
graph into_a_grouped_conv {
  %x = input f32[N,4,4,4]
  %r = relu(%x) @relu00 -> f32[N,4,4,4]
  %w.scaled = const f32[2,2,1,1] [2.0, 0.5, 0.25, 0.125]
  %y = conv(%r, %w.scaled) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=2} -> f32[N,2,4,4]
  output "y" = %y
}
