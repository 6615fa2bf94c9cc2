# run: canonicalise simple-form
graph leaky_relu {
  %x = input f32[N,3,4,4]
  %y = leaky_relu(%x) {slope=0.1}
  output "y" = %y
}
# expect
