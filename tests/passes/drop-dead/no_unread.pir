# run: drop-dead
graph unread {
  %x = input f32[N,2,2,2]
  %z = input f32[N,2,2,2]
  %w = const f32[2,2,1,1] rand(seed=1)
  %y = conv(%x, %w)
  output "y" = %y
}
# expect
