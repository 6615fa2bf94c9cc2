# run: canonicalise
graph gemm_of_data {
  %x = input f32[N,4]
  %w = input f32[4,3]
  %y = gemm(%x, %w)
  output "y" = %y
}
# expect
