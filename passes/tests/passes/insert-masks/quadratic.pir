# run: insert-masks
# mask relu00: [3, 3, 1, 2]
# quadratic relu00: [0.5, 0.25, 0.125, 0.0, 1.0, 0.0]
graph quadratic {
  %x = input f32[N,2,1,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
graph quadratic {
  %x = input f32[N,2,1,2]
  %relu00.mask = const u8[2,1,2] [3, 3, 1, 2]
  %relu00.quadratic = const f32[2,3] [0.5, 0.25, 0.125, 0.0, 1.0, 0.0]
  %y = masked_relu(%x, %relu00.mask, quadratic=%relu00.quadratic) @relu00 -> f32[N,2,1,2]
  output "y" = %y
}
