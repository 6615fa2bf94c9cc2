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
