# run: canonicalise
graph global_mean_squeeze {
  %x = input f32[N,3,4,4]
  %p = global_mean(%x)
  %axes = const i64[2] [2, 3]
  %f = dyn.squeeze(%p, %axes)
  output "y" = %f
}
# expect
graph global_mean_squeeze {
  %x = input f32[N,3,4,4]
  %f = global_mean(%x) {keep=false} -> f32[N,3]
  output "y" = %f
}
