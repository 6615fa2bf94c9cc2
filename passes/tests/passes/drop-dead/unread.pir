# run: drop-dead
; The convolution and its weights go; the unread input stays, it is the caller's.
graph unread {
  %x = input f32[N,2,2,2]
  %z = input f32[N,2,2,2]
  %w = const f32[2,2,1,1] rand(seed=1)
  %c = conv(%z, %w)
  %d = relu(%c)
  %y = relu(%x)
  output "y" = %y
}
# expect
graph unread {
  %x = input f32[N,2,2,2]
  %z = input f32[N,2,2,2]
  %y = relu(%x) -> f32[N,2,2,2]
  output "y" = %y
}
