# run: commute-relu-maxpool
# refused: its operand relu 'r' is also read elsewhere
graph no_relu_read_elsewhere {
  %x = input f32[N,2,4,4]
  %r = relu(%x)
  %p = max_pool(%r) {kernel=[2,2], strides=[2,2]}
  output "p" = %p
  output "r" = %r
}
# expect
graph no_relu_read_elsewhere {
  %x = input f32[N,2,4,4]
  %r = relu(%x) -> f32[N,2,4,4]
  %p = max_pool(%r) {kernel=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0], ceil=false} -> f32[N,2,2,2]
  output "p" = %p
  output "r" = %r
}
