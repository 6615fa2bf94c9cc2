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
