# run: merge-branches
# fold: always
graph no_convolution {
  %x = input f32[N,2,5,5]
  %y = add(%x, %x)
  output "y" = %y
}
# expect
graph no_convolution {
  %x = input f32[N,2,5,5]
  %y = add(%x, %x) -> f32[N,2,5,5]
  output "y" = %y
}
