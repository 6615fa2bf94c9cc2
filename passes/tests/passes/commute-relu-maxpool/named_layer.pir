# run: commute-relu-maxpool
graph named_layer {
  %x = input f32[N,2,4,4]
  %r = relu(%x) @relu00
  %p = max_pool(%r) {kernel=[2,2], strides=[2,2]}
  %y = neg(%p)
  output "y" = %y
}
# expect
graph named_layer {
  %x = input f32[N,2,4,4]
  %r.pooled = max_pool(%x) {kernel=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0], ceil=false} -> f32[N,2,2,2]
  %p = relu(%r.pooled) @relu00 -> f32[N,2,2,2]
  %y = neg(%p) -> f32[N,2,2,2]
  output "y" = %y
}
