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
