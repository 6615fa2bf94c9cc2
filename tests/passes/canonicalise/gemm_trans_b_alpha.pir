# run: canonicalise
graph gemm_trans_b_alpha {
  %x = input f32[N,4]
  %w = const f32[3,4] rand(seed=1)
  %b = const f32[] [0.75]
  %y = gemm(%x, %w, %b) {alpha=-2, trans_b=true}
  output "y" = %y
}
# expect
