# run: canonicalise
graph relu_of_min_a_channel {
  %x = input f32[N,3,2,2]
  %caps = const f32[1,3,1,1] [0.5, 2.0, 1.0]
  %m = min(%x, %caps)
  %r = relu(%m)
  %y = abs(%r)
  output "y" = %y
}
# expect
