# run: drop-softmax
# softmax: drop
# refused: it is not over the classes of [N,classes]
graph softmax_of_maps {
  %x = input f32[N,4,2,2]
  %y = softmax(%x) {axis=1}
  output "y" = %y
}
# expect
graph softmax_of_maps {
  %x = input f32[N,4,2,2]
  %y = softmax(%x) {axis=1} -> f32[N,4,2,2]
  output "y" = %y
}
