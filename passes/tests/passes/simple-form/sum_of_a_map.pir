# run: simple-form
graph sum_of_a_map {
  %x = input f32[N,3,4,4]
  %y = reduce(%x) {kind=sum, axes=[2,3], keep=false}
  output "y" = %y
}
# expect
graph sum_of_a_map {
  %x = input f32[N,3,4,4]
  %y.half = slice(%x) {axes=[2], starts=[0], ends=[2], steps=[1]} -> f32[N,3,2,4]
  %y.half.1 = slice(%x) {axes=[2], starts=[2], ends=[4], steps=[1]} -> f32[N,3,2,4]
  %y.halves = add(%y.half, %y.half.1) -> f32[N,3,2,4]
  %y.half.2 = slice(%y.halves) {axes=[2], starts=[0], ends=[1], steps=[1]} -> f32[N,3,1,4]
  %y.half.3 = slice(%y.halves) {axes=[2], starts=[1], ends=[2], steps=[1]} -> f32[N,3,1,4]
  %y.halves.1 = add(%y.half.2, %y.half.3) -> f32[N,3,1,4]
  %y.half.4 = slice(%y.halves.1) {axes=[3], starts=[0], ends=[2], steps=[1]} -> f32[N,3,1,2]
  %y.half.5 = slice(%y.halves.1) {axes=[3], starts=[2], ends=[4], steps=[1]} -> f32[N,3,1,2]
  %y.halves.2 = add(%y.half.4, %y.half.5) -> f32[N,3,1,2]
  %y.half.6 = slice(%y.halves.2) {axes=[3], starts=[0], ends=[1], steps=[1]} -> f32[N,3,1,1]
  %y.half.7 = slice(%y.halves.2) {axes=[3], starts=[1], ends=[2], steps=[1]} -> f32[N,3,1,1]
  %y.halves.3 = add(%y.half.6, %y.half.7) -> f32[N,3,1,1]
  %y = reshape(%y.halves.3) {dims=[N, 3]} -> f32[N,3]
  output "y" = %y
}
