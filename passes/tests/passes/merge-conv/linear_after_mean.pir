# run: merge-conv
# fold: always
graph linear_after_mean {
  %x = input f32[N,4,5,5]
  %w1 = const f32[6,2,1,1] rand(seed=1)
  %b1 = const f32[6] rand(seed=2)
  %w2 = const f32[5,6] rand(seed=3)
  %b2 = const f32[5] rand(seed=4)
  %c = conv(%x, %w1, %b1) {group=2}
  %m = global_mean(%c) {keep=false}
  %y = linear(%m, %w2, %b2)
  output "y" = %y
}
# expect
graph linear_after_mean {
  %x = input f32[N,4,5,5]
  %m.1 = global_mean(%x) {keep=false} -> f32[N,4]
  %y.merged.weight = const f32[5,4] opaque
  %y.merged.bias = const f32[5] [-0.35860178, 1.1686546, 1.3372177, 0.5984042, -0.62315065]
  %y = linear(%m.1, %y.merged.weight, %y.merged.bias) -> f32[N,5]
  output "y" = %y
}
