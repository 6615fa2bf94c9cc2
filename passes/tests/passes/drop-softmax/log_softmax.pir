# run: drop-softmax
# softmax: drop
graph log_softmax {
  %x = input f32[N,4]
  %y = log_softmax(%x) {axis=1}
  output "y" = %y
}
# expect
graph log_softmax {
  %x = input f32[N,4]
  output "y" = %x
}
