# run: canonicalise
; torch.maximum(zeros_like(x), x)
graph max_of_zeros_like {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %zeros = expand(%zero) {dims=[N,5]}
  %y = max(%zeros, %x)
  output "y" = %y
}
# expect
graph max_of_zeros_like {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
