# run: drop-dead
graph unread {
  %x = input f32[N,2,2,2]
  %z = input f32[N,2,2,2]
  %w = const f32[2,2,1,1] rand(seed=1)
  %y = conv(%x, %w)
  output "y" = %y
}
# expect
graph unread {
  %x = input f32[N,2,2,2]
  %z = input f32[N,2,2,2]
  %w = const f32[2,2,1,1] [0.13312304, 0.49156344, 0.9420054, -0.11128163]
  %y = conv(%x, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,2,2]
  output "y" = %y
}
