# run: commute-relu-maxpool
graph no_mean_of_relu {
  %x = input f32[N,2,4,4]
  %r = relu(%x)
  %p = avg_pool(%r) {kernel=[2,2], strides=[2,2], count_pad=false}
  output "p" = %p
}
