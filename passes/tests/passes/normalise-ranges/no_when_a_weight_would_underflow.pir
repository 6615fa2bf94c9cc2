# run: normalise-ranges
# range c: 100
# target: 2
# refused: leaves the normal numbers of f32
graph no_when_a_weight_would_underflow {
  %x = input f32[N,2]
  %w = const f32[2,2] [1.0, 2e-38, 3.0, 4.0]
  %c = linear(%x, %w)
  %d = relu(%c)
  %v = const f32[2,2] iota
  %y = linear(%d, %v)
  output "y" = %y
}
# expect
graph no_when_a_weight_would_underflow {
  %x = input f32[N,2]
  %w = const f32[2,2] [1.0, 2e-38, 3.0, 4.0]
  %c = linear(%x, %w) -> f32[N,2]
  %d = relu(%c) -> f32[N,2]
  %v = const f32[2,2] [0.0, 1.0, 2.0, 3.0]
  %y = linear(%d, %v) -> f32[N,2]
  output "y" = %y
}
