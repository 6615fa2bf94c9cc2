# run: insert-masks
# mask relu00: [1, 0, 2, 0, 1, 1]
# slope relu00: [0.5, -2.0]
graph of_sequences {
  %x = input f32[N,2,3]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
graph of_sequences {
  %x = input f32[N,2,3]
  %relu00.mask = const u8[2,3] [1, 0, 2, 0, 1, 1]
  %relu00.slope = const f32[2] [0.5, -2.0]
  %y = masked_relu(%x, %relu00.mask, slope=%relu00.slope) @relu00 -> f32[N,2,3]
  output "y" = %y
}
