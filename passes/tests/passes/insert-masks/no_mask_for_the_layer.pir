# run: insert-masks
# mask relu07: u8[2,2,2] splat(0)
graph mask_for_the_layer {
  %x = input f32[N,2,2,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
graph mask_for_the_layer {
  %x = input f32[N,2,2,2]
  %y = relu(%x) @relu00 -> f32[N,2,2,2]
  output "y" = %y
}
