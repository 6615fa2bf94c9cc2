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
graph no_when_clipped {
  %x = input f32[N,4]
  %w = const f32[4,4] [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0]
  %c = linear(%x, %w) -> f32[N,4]
  %k = clip(%c) {min=0.0, max=6.0} -> f32[N,4]
  %v = const f32[2,4] [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
  %y = linear(%k, %v) -> f32[N,2]
  output "y" = %y
}
