# run: drop-linearized-relu
graph without_slope {
  %x = input f32[N,2,2,2]
  %w = const f32[2,2,1,1] rand(seed=1)
  %c = conv(%x, %w)
  %m = const u8[2,2,2] splat(0)
  %r = masked_relu(%c, %m) @relu00
  %y = conv(%r, %w)
  output "y" = %y
}
# expect
graph without_slope {
  %x = input f32[N,2,2,2]
  %w = const f32[2,2,1,1] [0.13312304, 0.49156344, 0.9420054, -0.11128163]
  %c = conv(%x, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,2,2]
  %y = conv(%c, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,2,2]
  output "y" = %y
}
