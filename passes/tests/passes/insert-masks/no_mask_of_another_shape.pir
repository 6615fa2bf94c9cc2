# run: insert-masks
# mask relu00: u8[2,2,1] splat(0)
# refused: the mask of relu00 is [2, 2, 1]
graph mask_of_another_shape {
  %x = input f32[N,2,2,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
graph mask_of_another_shape {
  %x = input f32[N,2,2,2]
  %y = relu(%x) @relu00 -> f32[N,2,2,2]
  output "y" = %y
}
