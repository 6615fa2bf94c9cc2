# run: canonicalise
graph leaky_relu {
  %x = input f32[N,5]
  %y = leaky_relu(%x) {slope=0.1}
  output "y" = %y
}
# expect
