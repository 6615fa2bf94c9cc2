# run: canonicalise
; Bounds of both.
graph clip_of_a_clip {
  %x = input f32[N,5]
  %a = clip(%x) {min=-1.0, max=4.0}
  %y = clip(%a) {min=-2.0, max=3.0}
  output "y" = %y
}
# expect
graph clip_of_a_clip {
  %x = input f32[N,5]
  %y = clip(%x) {min=-1.0, max=3.0} -> f32[N,5]
  output "y" = %y
}
