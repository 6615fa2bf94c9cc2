# run: simple-form
graph slice_with_steps {
  %x = input f32[N,3,4,4]
  %y = slice(%x) {axes=[2,3], starts=[0,-1], ends=[9223372036854775807,-100], steps=[2,-3]}
  output "y" = %y
}
# expect
