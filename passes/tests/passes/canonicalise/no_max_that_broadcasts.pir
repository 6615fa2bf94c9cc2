# run: canonicalise
; A ReLU cannot make its operand larger.
graph max_that_broadcasts {
  %x = input f32[N,1]
  %zero = const f32[5] splat(0.0)
  %y = max(%x, %zero)
  output "y" = %y
}
# expect
graph max_that_broadcasts {
  %x = input f32[N,1]
  %zero = const f32[5] splat(0.0)
  %y = max(%x, %zero) -> f32[N,5]
  output "y" = %y
}
