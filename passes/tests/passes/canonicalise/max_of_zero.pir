# run: canonicalise
; The constant stands left, as some exporters put it.
graph max_of_zero {
  %x = input f32[N,2,3,3]
  %zero = const f32[] [0.0]
  %y = max(%zero, %x)
  output "y" = %y
}
# expect
graph max_of_zero {
  %x = input f32[N,2,3,3]
  %y = relu(%x) -> f32[N,2,3,3]
  output "y" = %y
}
