# run: canonicalise
; −min(−x, 0)
graph negated_min {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %n = neg(%x)
  %m = min(%n, %zero)
  %y = neg(%m)
  output "y" = %y
}
# expect
graph negated_min {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
