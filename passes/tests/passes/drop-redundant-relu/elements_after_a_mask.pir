# run: insert-masks drop-redundant-relu
# mask relu00: [1, 0, 2, 0]
graph elements_after_a_mask {
  %x = input f32[N,1,2,2]
  %r = relu(%x) @relu00
  %y = relu(%r) @relu01
  output "y" = %y
}
# expect
graph elements_after_a_mask {
  %x = input f32[N,1,2,2]
  %relu01.mask = const u8[1,2,2] [0, 1, 0, 1]
  %relu00.mask = const u8[1,2,2] [1, 0, 2, 0]
  %r = masked_relu(%x, %relu00.mask) @relu00 -> f32[N,1,2,2]
  %y = masked_relu(%r, %relu01.mask) @relu01 -> f32[N,1,2,2]
  output "y" = %y
}
