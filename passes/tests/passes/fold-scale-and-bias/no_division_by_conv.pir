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
graph division_by_conv {
  %x = input f32[N,2]
  %w = const f32[2,2] [0.13312304, 0.49156344, 0.9420054, -0.11128163]
  %b = const f32[2] splat(9.0)
  %c = linear(%x, %w, %b) -> f32[N,2]
  %s = const f32[2] [1.5, -0.5]
  %m = div(%s, %c) -> f32[N,2]
  output "y" = %m
}
