# run: insert-masks drop-redundant-relu
# mask relu01: u8[2,1,2] [1, 0, 1, 0]
# slope relu01: [0.5, 1.0]
; As the identity, an element of the first channel would be halved.
graph slopes_keep_their_channel {
  %x = input f32[N,2,1,2]
  %r = relu(%x) @relu00
  %y = relu(%r) @relu01
  output "y" = %y
}
# expect
graph slopes_keep_their_channel {
  %x = input f32[N,2,1,2]
  %r = relu(%x) @relu00 -> f32[N,2,1,2]
  %relu01.mask.1 = const u8[2,1,2] [1, 0, 0, 0]
  %relu01.slope = const f32[2] [0.5, 1.0]
  %y = masked_relu(%r, %relu01.mask.1, slope=%relu01.slope) @relu01 -> f32[N,2,1,2]
  output "y" = %y
}
