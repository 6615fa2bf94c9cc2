# run: insert-masks
# mask relu00: u8[5,1,1] [1, 0, 2, 0, 1]
# slope relu00: [0.5, -2.0, 1.0, 3.0, 0.0]
; A layer of rank 2: its mask is C×1×1 in the file, and f[C] in the graph.
graph of_vectors {
  %x = input f32[N,5]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
graph of_vectors {
  %x = input f32[N,5]
  %relu00.mask = const u8[5] [1, 0, 2, 0, 1]
  %relu00.slope = const f32[5] [0.5, -2.0, 1.0, 3.0, 0.0]
  %y = masked_relu(%x, %relu00.mask, slope=%relu00.slope) @relu00 -> f32[N,5]
  output "y" = %y
}
