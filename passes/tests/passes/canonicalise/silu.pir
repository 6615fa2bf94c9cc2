# run: canonicalise
graph silu {
  %x = input f32[N,5]
  %y = silu(%x)
  output "y" = %y
}
# expect
