# run: canonicalise
; PyTorch's nn.Linear: weights and bias are taken as they are.
graph gemm_trans_b {
  %x = input f32[N,4]
  %w = const f32[3,4] rand(seed=1)
  %b = const f32[3] rand(seed=2)
  %y = gemm(%x, %w, %b) {trans_b=true}
  output "y" = %y
}
# expect
graph gemm_trans_b {
  %x = input f32[N,4]
  %w = const f32[3,4] [0.13312304, 0.49156344, 0.9420054, -0.11128163, -0.1114707, 0.52578866, 0.7546973, 0.046134353, -0.42898273, 0.58799314, -0.19171572, 0.2108407]
  %b = const f32[3] [0.18237936, 0.49829936, 0.19127607]
  %y = linear(%x, %w, %b) -> f32[N,3]
  output "y" = %y
}
