# run: canonicalise
graph dropout {
  %x = input f32[N,5]
  %a = dropout(%x)
  %y = relu(%a)
  output "y" = %y
}
# expect
