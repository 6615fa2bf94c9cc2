# run: fold-scale-and-bias
graph after_linear {
  %x = input f32[N,4]
  %w = const f32[3,4] rand(seed=1)
  %l = linear(%x, %w)
  %s = const f32[3] [1.5, -0.5, 0.0]
  %m = mul(%l, %s)
  %t = const f32[1,3] [0.25, -1.0, 2.0]
  %y = sub(%m, %t)
  output "y" = %y
}
# expect
graph after_linear {
  %x = input f32[N,4]
  %w.folded.1 = const f32[3,4] [0.19968456, 0.73734516, 1.4130081, -0.16692245, 0.05573535, -0.26289433, -0.37734866, -0.023067176, -0.0, 0.0, -0.0, 0.0]
  %y.bias = const f32[3] [-0.25, 1.0, -2.0]
  %y = linear(%x, %w.folded.1, %y.bias) -> f32[N,3]
  output "y" = %y
}
