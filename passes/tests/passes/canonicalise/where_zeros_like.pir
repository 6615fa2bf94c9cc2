# run: canonicalise
; Zeros as large as the batch.
graph where_zeros_like {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %zeros = expand(%zero) {dims=[N,5]}
  %c = greater_equal(%x, %zero)
  %y = where(%c, %x, %zeros)
  output "y" = %y
}
# expect
graph where_zeros_like {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
