# run: canonicalise
; The second changes nothing.
graph clip_within_bounds {
  %x = input f32[N,5]
  %a = clip(%x) {min=0.0, max=4.0}
  %y = clip(%a) {min=-2.0, max=6.0}
  output "y" = %y
}
# expect
graph clip_within_bounds {
  %x = input f32[N,5]
  %a = capped_relu(%x) {cap=4.0} -> f32[N,5]
  output "y" = %a
}
