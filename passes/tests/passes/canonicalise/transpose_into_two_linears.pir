# run: canonicalise
; Two readers of one flattened map, one of them without bias.
graph transpose_into_two_linears {
  %x = input f32[N,2,3,2]
  %t = transpose(%x) {perm=[0,3,1,2]}
  %f = reshape(%t) {dims=[N,12]}
  %w = const f32[3,12] rand(seed=1)
  %v = const f32[2,12] rand(seed=2)
  %y = linear(%f, %w)
  %z = linear(%f, %v)
  output "y" = %y
  output "z" = %z
}
# expect
graph transpose_into_two_linears {
  %x = input f32[N,2,3,2]
  %v.permuted = const f32[2,12] opaque
  %f.2 = reshape(%x) {dims=[N, 12]} -> f32[N,12]
  %w.permuted = const f32[3,12] opaque
  %f.1 = reshape(%x) {dims=[N, 12]} -> f32[N,12]
  %y = linear(%f.1, %w.permuted) -> f32[N,3]
  %z = linear(%f.2, %v.permuted) -> f32[N,2]
  output "y" = %y
  output "z" = %z
}
