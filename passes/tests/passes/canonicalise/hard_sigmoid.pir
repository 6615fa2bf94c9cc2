# run: canonicalise
graph hard_sigmoid {
  %x = input f32[N,5]
  %y = hard_sigmoid(%x)
  output "y" = %y
}
# expect
