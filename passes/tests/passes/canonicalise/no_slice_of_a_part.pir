# run: canonicalise
graph slice_of_a_part {
  %x = input f32[N,4,3]
  %a = slice(%x) {axes=[1], starts=[0], ends=[-1]}
  %b = slice(%x) {axes=[1], starts=[-1], ends=[-9], steps=[-1]}
  output "a" = %a
  output "b" = %b
}
# expect
graph slice_of_a_part {
  %x = input f32[N,4,3]
  %a = slice(%x) {axes=[1], starts=[0], ends=[-1], steps=[1]} -> f32[N,3,3]
  %b = slice(%x) {axes=[1], starts=[-1], ends=[-9], steps=[-1]} -> f32[N,4,3]
  output "a" = %a
  output "b" = %b
}
