# run: canonicalise
graph max_of_ones {
  %x = input f32[N,5]
  %one = const f32[] [1.0]
  %y = max(%x, %one)
  output "y" = %y
}
# expect
graph max_of_ones {
  %x = input f32[N,5]
  %one = const f32[] [1.0]
  %y = max(%x, %one) -> f32[N,5]
  output "y" = %y
}
