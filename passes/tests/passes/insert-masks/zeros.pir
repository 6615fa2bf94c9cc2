# run: insert-masks
# mask relu00: [1, 0, 2, 2, 1, 0, 1, 2]
graph zeros {
  %x = input f32[N,2,2,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
graph zeros {
  %x = input f32[N,2,2,2]
  %relu00.mask = const u8[2,2,2] [1, 0, 2, 2, 1, 0, 1, 2]
  %y = masked_relu(%x, %relu00.mask) @relu00 -> f32[N,2,2,2]
  output "y" = %y
}
