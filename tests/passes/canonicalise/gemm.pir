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
