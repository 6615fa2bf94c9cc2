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
