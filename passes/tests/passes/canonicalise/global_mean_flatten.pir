# run: canonicalise
; Average pooling, flatten, linear: the end of a ResNet.
graph global_mean_flatten {
  %x = input f32[N,3,4,4]
  %p = avg_pool(%x) {kernel=[4,4]}
  %s = const i64[2] [0, -1]
  %f = dyn.reshape(%p, %s)
  %w = const f32[2,3] rand(seed=1)
  %y = linear(%f, %w)
  output "y" = %y
}
# expect
graph global_mean_flatten {
  %x = input f32[N,3,4,4]
  %f = global_mean(%x) {keep=false} -> f32[N,3]
  %w = const f32[2,3] [0.13312304, 0.49156344, 0.9420054, -0.11128163, -0.1114707, 0.52578866]
  %y = linear(%f, %w) -> f32[N,2]
  output "y" = %y
}
