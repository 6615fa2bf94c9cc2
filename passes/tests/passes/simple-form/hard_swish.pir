# run: canonicalise simple-form
graph hard_swish {
  %x = input f32[N,3,4,4]
  %y = hard_swish(%x)
  output "y" = %y
}
# expect
