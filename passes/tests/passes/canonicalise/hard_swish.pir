# run: canonicalise
graph hard_swish {
  %x = input f32[N,5]
  %y = hard_swish(%x)
  output "y" = %y
}
# expect
