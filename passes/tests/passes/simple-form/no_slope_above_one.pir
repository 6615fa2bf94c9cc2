# run: simple-form
graph no_slope_above_one {
  %x = input f32[N,3,4,4]
  %y = leaky_relu(%x) {slope=1.5}
  output "y" = %y
}
# expect
graph no_slope_above_one {
  %x = input f32[N,3,4,4]
  %y = leaky_relu(%x) {slope=1.5} -> f32[N,3,4,4]
  output "y" = %y
}
