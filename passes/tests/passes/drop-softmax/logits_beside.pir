# run: drop-softmax
# softmax: drop
; The logits are an output already.
graph logits_beside {
  %x = input f32[N,4]
  %l = relu(%x)
  %y = softmax(%l) {axis=1}
  output "logits" = %l
  output "y" = %y
}
# expect
graph logits_beside {
  %x = input f32[N,4]
  %l = relu(%x) -> f32[N,4]
  output "logits" = %l
  output "y" = %l
}
