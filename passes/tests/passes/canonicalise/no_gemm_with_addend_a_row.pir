# run: canonicalise
; The addend is one a row, not one an output.
graph gemm_with_addend_a_row {
  %x = input f32[2,4]
  %w = const f32[4,3] rand(seed=1)
  %b = const f32[2,1] rand(seed=2)
  %y = gemm(%x, %w, %b)
  output "y" = %y
}
# expect
graph gemm_with_addend_a_row {
  %x = input f32[2,4]
  %w = const f32[4,3] [0.13312304, 0.49156344, 0.9420054, -0.11128163, -0.1114707, 0.52578866, 0.7546973, 0.046134353, -0.42898273, 0.58799314, -0.19171572, 0.2108407]
  %b = const f32[2,1] [0.18237936, 0.49829936]
  %y = gemm(%x, %w, %b) {alpha=1.0, beta=1.0, trans_a=false, trans_b=false} -> f32[2,3]
  output "y" = %y
}
