# run: canonicalise
graph gemm_of_data {
  %x = input f32[N,4]
  %w = input f32[4,3]
  %y = gemm(%x, %w)
  output "y" = %y
}
# expect
graph gemm_of_data {
  %x = input f32[N,4]
  %w = input f32[4,3]
  %y = gemm(%x, %w) {alpha=1.0, beta=1.0, trans_a=false, trans_b=false} -> f32[N,3]
  output "y" = %y
}
