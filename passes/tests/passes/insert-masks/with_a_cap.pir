# run: insert-masks
# mask relu00: [1, 0, 2, 4, 4, 1]
graph with_a_cap {
  %x = input f32[N,6]
  %y = capped_relu(%x) {cap=0.5} @relu00
  output "y" = %y
}
# expect
graph with_a_cap {
  %x = input f32[N,6]
  %relu00.mask = const u8[6] [1, 0, 2, 4, 4, 1]
  %y = masked_relu(%x, %relu00.mask) {cap=0.5} @relu00 -> f32[N,6]
  output "y" = %y
}
