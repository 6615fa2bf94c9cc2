# run: simple-form
graph max_pool {
  %x = input f32[N,3,4,4]
  %y = max_pool(%x) {kernel=[2,2], strides=[2,2], pads=[0,0,0,0], ceil=false}
  output "y" = %y
}
# expect
