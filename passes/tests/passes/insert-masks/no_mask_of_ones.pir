# run: insert-masks
# mask relu00: splat(1)
# slope relu00: [0.5, -2.0]
graph mask_of_ones {
  %x = input f32[N,2,2,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
graph mask_of_ones {
  %x = input f32[N,2,2,2]
  %y = relu(%x) @relu00 -> f32[N,2,2,2]
  output "y" = %y
}
