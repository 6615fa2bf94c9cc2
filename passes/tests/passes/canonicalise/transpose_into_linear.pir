# run: canonicalise
; TensorFlow flattens NHWC; the linear layer's weights take the order.
graph transpose_into_linear {
  %x = input f32[N,2,3,2]
  %t = transpose(%x) {perm=[0,2,3,1]}
  %f = reshape(%t) {dims=[N,12]}
  %w = const f32[3,12] rand(seed=1)
  %b = const f32[3] rand(seed=2)
  %y = linear(%f, %w, %b)
  output "y" = %y
}
# expect
graph transpose_into_linear {
  %x = input f32[N,2,3,2]
  %b = const f32[3] [0.18237936, 0.49829936, 0.19127607]
  %w.permuted = const f32[3,12] opaque
  %f.1 = reshape(%x) {dims=[N, 12]} -> f32[N,12]
  %y = linear(%f.1, %w.permuted, %b) -> f32[N,3]
  output "y" = %y
}
