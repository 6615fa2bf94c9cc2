# run: canonicalise
graph gemm_with_trans_a {
  %x = input f32[4,2]
  %w = const f32[4,3] rand(seed=1)
  %y = gemm(%x, %w) {trans_a=true}
  output "y" = %y
}
# expect
graph gemm_with_trans_a {
  %x = input f32[4,2]
  %w = const f32[4,3] [0.13312304, 0.49156344, 0.9420054, -0.11128163, -0.1114707, 0.52578866, 0.7546973, 0.046134353, -0.42898273, 0.58799314, -0.19171572, 0.2108407]
  %y = gemm(%x, %w) {alpha=1.0, beta=1.0, trans_a=true, trans_b=false} -> f32[2,3]
  output "y" = %y
}
