# run: insert-masks
# mask relu00: splat(0)
# slope relu00: splat(1.0)
; Slopes of 1 say nothing.
graph slopes_of_one {
  %x = input f32[N,2,2,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
graph slopes_of_one {
  %x = input f32[N,2,2,2]
  %relu00.mask = const u8[2,2,2] splat(0)
  %y = masked_relu(%x, %relu00.mask) @relu00 -> f32[N,2,2,2]
  output "y" = %y
}
