# run: simple-form
graph value_read_twice {
  %x = input f32[N,3,4,4]
  %y = sub(%x, %x)
  output "y" = %y
}
# expect
graph value_read_twice {
  %x = input f32[N,3,4,4]
  %y.copy = reshape(%x) {dims=[N, 3, 4, 4]} -> f32[N,3,4,4]
  %y = sub(%x, %y.copy) -> f32[N,3,4,4]
  output "y" = %y
}
