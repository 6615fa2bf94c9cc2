# run: canonicalise
graph gemm_trans_b_alpha {
  %x = input f32[N,4]
  %w = const f32[3,4] rand(seed=1)
  %b = const f32[] [0.75]
  %y = gemm(%x, %w, %b) {alpha=-2, trans_b=true}
  output "y" = %y
}
# expect
graph gemm_trans_b_alpha {
  %x = input f32[N,4]
  %w.linear = const f32[3,4] [-0.26624608, -0.9831269, -1.8840108, 0.22256327, 0.2229414, -1.0515773, -1.5093946, -0.092268705, 0.85796547, -1.1759863, 0.38343143, -0.4216814]
  %b.bias = const f32[3] splat(0.75)
  %y = linear(%x, %w.linear, %b.bias) -> f32[N,3]
  output "y" = %y
}
