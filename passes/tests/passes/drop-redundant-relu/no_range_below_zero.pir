# run: drop-redundant-relu
# input: -2 2
graph no_range_below_zero {
  %x = input f32[N,2]
  %c = const f32[] [1.75]
  %a = add(%x, %c)
  %y = relu(%a)
  output "y" = %y
}
# expect
graph no_range_below_zero {
  %x = input f32[N,2]
  %c = const f32[] [1.75]
  %a = add(%x, %c) -> f32[N,2]
  %y = relu(%a) -> f32[N,2]
  output "y" = %y
}
