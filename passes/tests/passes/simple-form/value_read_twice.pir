# run: simple-form
graph value_read_twice {
  %x = input f32[N,3,4,4]
  %y = sub(%x, %x)
  output "y" = %y
}
# expect
