# run: fold-scale-and-bias
; The weights would be 0, though a later factor undoes this one.
graph factor_that_leaves_single_precision {
  %x = input f32[N,2]
  %w = const f32[2,2] rand(seed=1)
  %c = linear(%x, %w)
  %s = const f32[] [1e-25]
  %y = mul(%c, %s)
  output "y" = %y
}
# expect
graph factor_that_leaves_single_precision {
  %x = input f32[N,2]
  %w = const f32[2,2] [0.13312304, 0.49156344, 0.9420054, -0.11128163]
  %c = linear(%x, %w) -> f32[N,2]
  %s = const f32[] [1e-25]
  %y = mul(%c, %s) -> f32[N,2]
  output "y" = %y
}
