# run: drop-softmax
# softmax: drop
graph softmax {
  %x = input f32[N,4]
  %w = const f32[3,4] rand(seed=1)
  %l = linear(%x, %w)
  %y = softmax(%l) {axis=1}
  output "probabilities" = %y
}
# expect
