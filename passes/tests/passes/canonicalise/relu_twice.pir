# run: canonicalise
; Two nodes, one value.
graph relu_twice {
  %x = input f32[N,5]
  %a = relu(%x)
  %b = relu(%x)
  %y = add(%a, %b)
  output "y" = %y
}
# expect
graph relu_twice {
  %x = input f32[N,5]
  %a = relu(%x) -> f32[N,5]
  %y = add(%a, %a) -> f32[N,5]
  output "y" = %y
}
