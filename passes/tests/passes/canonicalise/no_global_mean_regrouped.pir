# run: canonicalise
; The reshape does not only drop the ones.
graph global_mean_regrouped {
  %x = input f32[N,6,4,4]
  %p = global_mean(%x)
  %f = reshape(%p) {dims=[N,2,3]}
  output "y" = %f
}
# expect
graph global_mean_regrouped {
  %x = input f32[N,6,4,4]
  %p = global_mean(%x) {keep=true} -> f32[N,6,1,1]
  %f = reshape(%p) {dims=[N, 2, 3]} -> f32[N,2,3]
  output "y" = %f
}
