# run: canonicalise
; torch.where(x < 0, 0, x)
graph where_negative {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %c = less(%x, %zero)
  %y = where(%c, %zero, %x)
  output "y" = %y
}
# expect
graph where_negative {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
