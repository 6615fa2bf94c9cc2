# run: canonicalise
graph no_clip_of_a_shifted_by_another {
  %x = input f32[N,3]
  %three = const f32[] [0.5]
  %two = const f32[] [0.25]
  %m = sub(%x, %three)
  %c = clip(%m) {min=-0.5, max=0.5}
  %s = add(%c, %two)
  %y = abs(%s)
  output "y" = %y
}
# expect
graph no_clip_of_a_shifted_by_another {
  %x = input f32[N,3]
  %three = const f32[] [0.5]
  %two = const f32[] [0.25]
  %m = sub(%x, %three) -> f32[N,3]
  %c = clip(%m) {min=-0.5, max=0.5} -> f32[N,3]
  %s = add(%c, %two) -> f32[N,3]
  %y = abs(%s) -> f32[N,3]
  output "y" = %y
}
