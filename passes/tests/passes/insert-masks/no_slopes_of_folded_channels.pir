# run: insert-masks
# mask relu00: splat(0)
# slope relu00: [0.5, -2.0, 1.0, 3.0, 0.0, 2.0]
# refused: the slopes of relu00 are not one a channel
; Five dimensions: the mask folds channels and depth into one axis, the graph's slopes do not.
graph slopes_of_folded_channels {
  %x = input f32[N,2,3,2,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
graph slopes_of_folded_channels {
  %x = input f32[N,2,3,2,2]
  %y = relu(%x) @relu00 -> f32[N,2,3,2,2]
  output "y" = %y
}
