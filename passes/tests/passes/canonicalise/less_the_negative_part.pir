# run: canonicalise
; x − min(x, 0)
graph less_the_negative_part {
  %x = input f32[N,5]
  %zero = const f32[] [0.0]
  %m = min(%x, %zero)
  %y = sub(%x, %m)
  output "y" = %y
}
# expect
graph less_the_negative_part {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
