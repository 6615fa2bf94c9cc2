# run: canonicalise
; alpha and beta go into the weights.
graph gemm {
  %x = input f32[N,4]
  %w = const f32[4,3] rand(seed=1)
  %b = const f32[1,3] rand(seed=2)
  %y = gemm(%x, %w, %b) {alpha=0.5, beta=2}
  output "y" = %y
}
# expect
graph gemm {
  %x = input f32[N,4]
  %w.linear = const f32[3,4] [0.06656152, -0.055640817, 0.37734866, 0.29399657, 0.24578172, -0.05573535, 0.023067176, -0.09585786, 0.4710027, 0.26289433, -0.21449137, 0.10542035]
  %b.bias = const f32[3] [0.36475873, 0.9965987, 0.38255215]
  %y = linear(%x, %w.linear, %b.bias) -> f32[N,3]
  output "y" = %y
}
