# run: canonicalise
; The slope is computed from data.
graph prelu_of_data {
  %x = input f32[N,5]
  %s = input f32[N,5]
  %y = prelu(%x, %s)
  output "y" = %y
}
# expect
graph prelu_of_data {
  %x = input f32[N,5]
  %s = input f32[N,5]
  %y = prelu(%x, %s) -> f32[N,5]
  output "y" = %y
}
