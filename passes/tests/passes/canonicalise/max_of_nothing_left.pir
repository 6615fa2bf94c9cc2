# run: canonicalise
graph max_of_nothing_left {
  %x = input f32[N,3]
  %z = sub(%x, %x)
  %y = max(%x, %z)
  output "y" = %y
}
# expect
graph max_of_nothing_left {
  %x = input f32[N,3]
  %y = relu(%x) -> f32[N,3]
  output "y" = %y
}
