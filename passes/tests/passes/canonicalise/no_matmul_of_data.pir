# run: canonicalise
graph matmul_of_data {
  %x = input f32[N,4]
  %w = input f32[4,3]
  %y = matmul(%x, %w)
  output "y" = %y
}
# expect
graph matmul_of_data {
  %x = input f32[N,4]
  %w = input f32[4,3]
  %y = matmul(%x, %w) -> f32[N,3]
  output "y" = %y
}
