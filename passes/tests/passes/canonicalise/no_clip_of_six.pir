# run: canonicalise
; ReLU6 is no ReLU.
graph clip_of_six {
  %x = input f32[N,5]
  %y = clip(%x) {min=0, max=6}
  output "y" = %y
}
# expect
graph clip_of_six {
  %x = input f32[N,5]
  %y = clip(%x) {min=0.0, max=6.0} -> f32[N,5]
  output "y" = %y
}
