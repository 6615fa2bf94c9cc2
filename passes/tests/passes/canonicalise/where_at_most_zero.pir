# run: canonicalise
; Threshold as torch.export writes it.
graph where_at_most_zero {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %c = less_equal(%x, %zero)
  %y = where(%c, %zero, %x)
  output "y" = %y
}
# expect
graph where_at_most_zero {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
