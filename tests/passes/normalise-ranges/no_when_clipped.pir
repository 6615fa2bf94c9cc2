# run: normalise-ranges
# range c: 100
# target: 2
# refused: it is 5 bits above the target and keeps its scale: clip 'k' does not commute with a scale
graph no_when_clipped {
  %x = input f32[N,4]
  %w = const f32[4,4] iota
  %c = linear(%x, %w)
  %k = clip(%c) {min=0.0, max=6.0}
  %v = const f32[2,4] iota
  %y = linear(%k, %v)
  output "y" = %y
}
# expect
