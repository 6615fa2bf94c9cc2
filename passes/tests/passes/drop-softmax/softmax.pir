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
graph softmax {
  %x = input f32[N,4]
  %w = const f32[3,4] [0.13312304, 0.49156344, 0.9420054, -0.11128163, -0.1114707, 0.52578866, 0.7546973, 0.046134353, -0.42898273, 0.58799314, -0.19171572, 0.2108407]
  %l = linear(%x, %w) -> f32[N,3]
  output "probabilities" = %l
}
