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
graph transpose_of_the_batch {
  %x = input f32[2,3,2]
  %t = transpose(%x) {perm=[1, 0, 2]} -> f32[3,2,2]
  %f = reshape(%t) {dims=[3, 4]} -> f32[3,4]
  %w = const f32[3,4] [0.13312304, 0.49156344, 0.9420054, -0.11128163, -0.1114707, 0.52578866, 0.7546973, 0.046134353, -0.42898273, 0.58799314, -0.19171572, 0.2108407]
  %y = linear(%f, %w) -> f32[3,3]
  output "y" = %y
}
