# run: canonicalise
graph identity {
  %x = input f32[N,2,3,3]
  %a = identity(%x)
  %y = relu(%a)
  output "y" = %y
}
# expect
