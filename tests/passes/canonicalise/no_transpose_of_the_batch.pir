# run: canonicalise
; Flattening after the batch has moved is no permutation of weights.
graph transpose_of_the_batch {
  %x = input f32[2,3,2]
  %t = transpose(%x) {perm=[1,0,2]}
  %f = reshape(%t) {dims=[3,4]}
  %w = const f32[3,4] rand(seed=1)
  %y = linear(%f, %w)
  output "y" = %y
}
# expect
