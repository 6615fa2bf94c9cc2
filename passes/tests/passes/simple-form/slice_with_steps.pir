# run: simple-form
graph slice_with_steps {
  %x = input f32[N,3,4,4]
  %y = slice(%x) {axes=[2,3], starts=[0,-1], ends=[9223372036854775807,-100], steps=[2,-3]}
  output "y" = %y
}
# expect
graph slice_with_steps {
  %x = input f32[N,3,4,4]
  %y.places_index = const i64[2] [0, 2]
  %y.places = gather(%x, %y.places_index) {axis=2} -> f32[N,3,2,4]
  %y.places_index.1 = const i64[2] [3, 0]
  %y = gather(%y.places, %y.places_index.1) {axis=3} -> f32[N,3,2,2]
  output "y" = %y
}
