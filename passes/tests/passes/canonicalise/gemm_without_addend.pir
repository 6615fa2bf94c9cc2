# run: canonicalise
graph gemm_without_addend {
  %x = input f32[N,4]
  %w = const f32[4,3] rand(seed=1)
  %y = gemm(%x, %w)
  output "y" = %y
}
# expect
graph gemm_without_addend {
  %x = input f32[N,4]
  %w.linear = const f32[3,4] [0.13312304, -0.11128163, 0.7546973, 0.58799314, 0.49156344, -0.1114707, 0.046134353, -0.19171572, 0.9420054, 0.52578866, -0.42898273, 0.2108407]
  %y = linear(%x, %w.linear) -> f32[N,3]
  output "y" = %y
}
