# run: canonicalise
; Rank 3: over the last axis.
graph matmul_of_tokens {
  %x = input f32[N,5,4]
  %w = const f32[4,3] rand(seed=1)
  %b = const f32[3] rand(seed=2)
  %m = matmul(%x, %w)
  %y = add(%b, %m)
  output "y" = %y
}
# expect
graph matmul_of_tokens {
  %x = input f32[N,5,4]
  %b = const f32[3] [0.18237936, 0.49829936, 0.19127607]
  %w.linear = const f32[3,4] [0.13312304, -0.11128163, 0.7546973, 0.58799314, 0.49156344, -0.1114707, 0.046134353, -0.19171572, 0.9420054, 0.52578866, -0.42898273, 0.2108407]
  %y = linear(%x, %w.linear, %b) -> f32[N,5,3]
  output "y" = %y
}
