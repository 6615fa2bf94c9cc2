# run: commute-relu-maxpool
graph named_layer {
  %x = input f32[N,2,4,4]
  %r = relu(%x) @relu00
  %p = max_pool(%r) {kernel=[2,2], strides=[2,2]}
  %y = neg(%p)
  output "y" = %y
}
