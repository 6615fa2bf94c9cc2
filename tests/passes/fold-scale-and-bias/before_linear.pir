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
