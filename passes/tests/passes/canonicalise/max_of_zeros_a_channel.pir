# run: canonicalise
graph max_of_zeros_a_channel {
  %x = input f32[N,3,4,4]
  %zeros = const f32[3,1,1] splat(0.0)
  %y = max(%x, %zeros)
  output "y" = %y
}
# expect
graph max_of_zeros_a_channel {
  %x = input f32[N,3,4,4]
  %y = relu(%x) -> f32[N,3,4,4]
  output "y" = %y
}
