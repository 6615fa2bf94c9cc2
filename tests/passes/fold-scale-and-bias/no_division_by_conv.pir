# run: fold-scale-and-bias
graph division_by_conv {
  %x = input f32[N,2]
  %w = const f32[2,2] rand(seed=1)
  %b = const f32[2] splat(9.0)
  %c = linear(%x, %w, %b)
  %s = const f32[2] [1.5, -0.5]
  %m = div(%s, %c)
  output "y" = %m
}
# expect
