# run: insert-masks drop-redundant-relu
# mask relu00: [1, 2, 1, 2]
; Kept and zero elements are never negative.
graph after_masks_without_the_identity {
  %x = input f32[N,1,2,2]
  %r = relu(%x) @relu00
  %y = relu(%r) @relu01
  output "y" = %y
}
# expect
graph after_masks_without_the_identity {
  %x = input f32[N,1,2,2]
  %relu00.mask = const u8[1,2,2] [1, 2, 1, 2]
  %r = masked_relu(%x, %relu00.mask) @relu00 -> f32[N,1,2,2]
  output "y" = %r
}
