# run: canonicalise
graph gemm_without_addend {
  %x = input f32[N,4]
  %w = const f32[4,3] rand(seed=1)
  %y = gemm(%x, %w)
  output "y" = %y
}
# expect
