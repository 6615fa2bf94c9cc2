# run: canonicalise
graph no_min_of_relu_a_pixel {
  %x = input f32[N,2,2,1]
  %caps = const f32[2,2,1] [0.5, 0.25, 1.0, 2.0]
  %r = relu(%x)
  %c = min(%r, %caps)
  %y = abs(%c)
  output "y" = %y
}
# expect
graph no_min_of_relu_a_pixel {
  %x = input f32[N,2,2,1]
  %caps = const f32[2,2,1] [0.5, 0.25, 1.0, 2.0]
  %r = relu(%x) -> f32[N,2,2,1]
  %c = min(%r, %caps) -> f32[N,2,2,1]
  %y = abs(%c) -> f32[N,2,2,1]
  output "y" = %y
}
