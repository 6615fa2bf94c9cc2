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
