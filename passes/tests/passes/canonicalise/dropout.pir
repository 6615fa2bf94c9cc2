# run: canonicalise
graph dropout {
  %x = input f32[N,5]
  %a = dropout(%x)
  %y = relu(%a)
  output "y" = %y
}
# expect
graph dropout {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
