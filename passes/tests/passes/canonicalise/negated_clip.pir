# run: canonicalise
; −clip(−x, max=0)
graph negated_clip {
  %x = input f32[N,5]
  %n = neg(%x)
  %m = clip(%n) {min=-inf, max=0.0}
  %y = neg(%m)
  output "y" = %y
}
# expect
graph negated_clip {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
