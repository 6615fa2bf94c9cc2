# run: commute-relu-maxpool
# refused: its operand 'r' is masked
graph no_masked_relu {
  %x = input f32[N,1,2,2]
  %k = const u8[1,2,2] [0, 1, 2, 1]
  %r = masked_relu(%x, %k) @relu00
  %p = max_pool(%r) {kernel=[2,2], strides=[2,2]}
  output "p" = %p
}
# expect
graph no_masked_relu {
  %x = input f32[N,1,2,2]
  %k = const u8[1,2,2] [0, 1, 2, 1]
  %r = masked_relu(%x, %k) @relu00 -> f32[N,1,2,2]
  %p = max_pool(%r) {kernel=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0], ceil=false} -> f32[N,1,1,1]
  output "p" = %p
}
