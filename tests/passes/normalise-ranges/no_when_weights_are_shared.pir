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
