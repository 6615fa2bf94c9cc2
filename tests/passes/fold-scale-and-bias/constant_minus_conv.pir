# run: fold-scale-and-bias
graph constant_minus_conv {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %b = const f32[3] rand(seed=2)
  %c = conv(%x, %w, %b)
  %t = const f32[3,1,1] [0.25, -1.0, 2.0]
  %y = sub(%t, %c)
  output "y" = %y
}
# expect
