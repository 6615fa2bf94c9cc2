# run: fold-scale-and-bias
graph scalar {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %c = conv(%x, %w)
  %s = const f32[] [0.5]
  %m = mul(%s, %c)
  %t = const f32[1,1] [0.25]
  %y = add(%m, %t)
  output "y" = %y
}
# expect
