# run: canonicalise
graph slice_of_everything {
  %x = input f32[N,4,3]
  %s = slice(%x) {axes=[1,2], starts=[0,-3], ends=[9223372036854775807,3]}
  %y = relu(%s)
  output "y" = %y
}
# expect
graph slice_of_everything {
  %x = input f32[N,4,3]
  %y = relu(%x) -> f32[N,4,3]
  output "y" = %y
}
