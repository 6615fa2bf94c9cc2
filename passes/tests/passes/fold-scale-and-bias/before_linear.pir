# run: fold-scale-and-bias
graph before_linear {
  %x = input f32[N,4]
  %s = const f32[4] [1.0, 2.0, 3.0, 4.0]
  %t = const f32[4] [0.5, -0.5, 0.25, 1.0]
  %m = mul(%x, %s)
  %a = sub(%t, %m)
  %w = const f32[3,4] rand(seed=1)
  %y = linear(%a, %w)
  output "y" = %y
}
# expect
graph before_linear {
  %x = input f32[N,4]
  %w.folded.1 = const f32[3,4] [-0.13312304, -0.9831269, -2.8260162, 0.44512653, 0.1114707, -1.0515773, -2.264092, -0.18453741, 0.42898273, -1.1759863, 0.57514715, -0.8433628]
  %y.bias.folded = const f32[3] [-0.055000484, -0.083821, -0.34557617]
  %y = linear(%x, %w.folded.1, %y.bias.folded) -> f32[N,3]
  output "y" = %y
}
