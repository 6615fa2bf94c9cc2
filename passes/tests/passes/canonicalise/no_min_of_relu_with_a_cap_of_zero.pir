# run: canonicalise
graph no_min_of_relu_with_a_cap_of_zero {
  %x = input f32[N,3,2,2]
  %caps = const f32[3,1,1] [0.5, 0.0, 1.0]
  %r = relu(%x)
  %c = min(%r, %caps)
  %y = abs(%c)
  output "y" = %y
}
# expect
graph no_min_of_relu_with_a_cap_of_zero {
  %x = input f32[N,3,2,2]
  %caps = const f32[3,1,1] [0.5, 0.0, 1.0]
  %r = relu(%x) -> f32[N,3,2,2]
  %c = min(%r, %caps) -> f32[N,3,2,2]
  %y = abs(%c) -> f32[N,3,2,2]
  output "y" = %y
}
