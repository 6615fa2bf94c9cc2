# run: canonicalise
graph min_of_relu_a_channel {
  %x = input f32[N,3,2,2]
  %caps = const f32[3,1,1] [0.5, 2.0, 1.0]
  %r = relu(%x)
  %c = min(%r, %caps)
  %y = abs(%c)
  output "y" = %y
}
# expect
