# run: insert-masks drop-redundant-relu
# mask relu01: [1, 0, 2, 1]
; Zeros stay zeros.
graph masked_itself {
  %x = input f32[N,1,2,2]
  %r = relu(%x) @relu00
  %y = relu(%r) @relu01
  output "y" = %y
}
# expect
graph masked_itself {
  %x = input f32[N,1,2,2]
  %r = relu(%x) @relu00 -> f32[N,1,2,2]
  %relu01.mask.1 = const u8[1,2,2] [0, 0, 2, 0]
  %y = masked_relu(%r, %relu01.mask.1) @relu01 -> f32[N,1,2,2]
  output "y" = %y
}
