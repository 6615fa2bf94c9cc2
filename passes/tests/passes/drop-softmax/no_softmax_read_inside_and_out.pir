# run: drop-softmax
# softmax: drop
# refused: it is read inside the network
graph softmax_read_inside_and_out {
  %x = input f32[N,4]
  %s = softmax(%x) {axis=1}
  %y = mul(%s, %x)
  output "s" = %s
  output "y" = %y
}
# expect
graph softmax_read_inside_and_out {
  %x = input f32[N,4]
  %s = softmax(%x) {axis=1} -> f32[N,4]
  %y = mul(%s, %x) -> f32[N,4]
  output "s" = %s
  output "y" = %y
}
