# run: merge-conv
# fold: always
graph linear_linear {
  %x = input f32[N,7,4]
  %w1 = const f32[6,4] rand(seed=1)
  %b1 = const f32[6] rand(seed=2)
  %w2 = const f32[3,6] rand(seed=3)
  %h = linear(%x, %w1, %b1)
  %y = linear(%h, %w2)
  output "y" = %y
}
# expect
graph linear_linear {
  %x = input f32[N,7,4]
  %y.merged.weight = const f32[3,4] [-0.5688577, -0.67370456, -0.5681973, 0.07975208, -0.4986758, -0.018156838, -0.056014676, -0.41854253, 0.36583373, 0.5181969, -0.5792554, -0.018144943]
  %y.merged.bias = const f32[3] [-0.22151338, 0.38384092, 0.61898357]
  %y = linear(%x, %y.merged.weight, %y.merged.bias) -> f32[N,7,3]
  output "y" = %y
}
