# run: commute-relu-maxpool
# input: -2 2
graph no_relu_below_zero {
  %x = input f32[N,2]
  %c = const f32[] [1.75]
  %a = add(%x, %c)
  %y = relu(%a)
  output "y" = %y
}
