# run: canonicalise
graph gemm_with_trans_a {
  %x = input f32[4,2]
  %w = const f32[4,3] rand(seed=1)
  %y = gemm(%x, %w) {trans_a=true}
  output "y" = %y
}
# expect
