# run: canonicalise
graph identity {
  %x = input f32[N,2,3,3]
  %a = identity(%x)
  %y = relu(%a)
  output "y" = %y
}
# expect
graph identity {
  %x = input f32[N,2,3,3]
  %y = relu(%x) -> f32[N,2,3,3]
  output "y" = %y
}
