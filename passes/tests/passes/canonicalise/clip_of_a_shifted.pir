# run: canonicalise
graph clip_of_a_shifted {
  %x = input f32[N,3]
  %three = const f32[] [0.5]
  %m = sub(%x, %three)
  %c = clip(%m) {min=-0.5, max=0.5}
  %s = add(%c, %three)
  %y = abs(%s)
  output "y" = %y
}
# expect
graph clip_of_a_shifted {
  %x = input f32[N,3]
  %s = capped_relu(%x) {cap=1.0} -> f32[N,3]
  %y = abs(%s) -> f32[N,3]
  output "y" = %y
}
