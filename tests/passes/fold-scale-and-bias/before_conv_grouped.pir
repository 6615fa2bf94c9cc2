# run: fold-scale-and-bias
graph before_conv_grouped {
  %x = input f32[N,4,3,3]
  %s = const f32[4,1,1] [1.0, 2.0, 3.0, 4.0]
  %t = const f32[4,1,1] [0.5, -0.5, 0.25, 1.0]
  %m = mul(%x, %s)
  %a = add(%m, %t)
  %w = const f32[4,2,3,3] rand(seed=1)
  %y = conv(%a, %w) {group=2}
  output "y" = %y
}
# expect
