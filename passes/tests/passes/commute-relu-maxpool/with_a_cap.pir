# run: commute-relu-maxpool
graph with_a_cap {
  %x = input f32[N,2,6,6]
  %r = capped_relu(%x) {cap=0.5}
  %y = max_pool(%r) {kernel=[3,3], strides=[2,2], pads=[1,1,1,1]}
  output "y" = %y
}
# expect
graph with_a_cap {
  %x = input f32[N,2,6,6]
  %r.pooled = max_pool(%x) {kernel=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil=false} -> f32[N,2,3,3]
  %y = capped_relu(%r.pooled) {cap=0.5} -> f32[N,2,3,3]
  output "y" = %y
}
