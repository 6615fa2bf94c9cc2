# run: commute-relu-maxpool
graph no_mean_of_relu {
  %x = input f32[N,2,4,4]
  %r = relu(%x)
  %p = avg_pool(%r) {kernel=[2,2], strides=[2,2], count_pad=false}
  output "p" = %p
}
# expect
graph no_mean_of_relu {
  %x = input f32[N,2,4,4]
  %r = relu(%x) -> f32[N,2,4,4]
  %p = avg_pool(%r) {kernel=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0], ceil=false, count_pad=false} -> f32[N,2,2,2]
  output "p" = %p
}
