# run: canonicalise
graph no_min_of_a_relu_read_twice {
  %x = input f32[N,3]
  %six = const f32[] [1.5]
  %r = relu(%x)
  %c = min(%r, %six)
  %y = mul(%r, %c)
  output "y" = %y
}
# expect
graph no_min_of_a_relu_read_twice {
  %x = input f32[N,3]
  %six = const f32[] [1.5]
  %r = relu(%x) -> f32[N,3]
  %c = min(%r, %six) -> f32[N,3]
  %y = mul(%r, %c) -> f32[N,3]
  output "y" = %y
}
