# run: normalise-ranges
# range c: 100
# target: 2
# refused: 'w' is read by two operations
graph no_when_weights_are_shared {
  %x = input f32[N,4]
  %w = const f32[4,4] iota
  %c = linear(%x, %w)
  %d = relu(%c)
  %y = linear(%d, %w)
  output "y" = %y
}
# expect
graph no_when_weights_are_shared {
  %x = input f32[N,4]
  %w = const f32[4,4] [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0]
  %c = linear(%x, %w) -> f32[N,4]
  %d = relu(%c) -> f32[N,4]
  %y = linear(%d, %w) -> f32[N,4]
  output "y" = %y
}
