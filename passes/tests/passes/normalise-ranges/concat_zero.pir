# run: normalise-ranges
# range c: 100
# target: 2
; The lowered form of a mask: gathers, concatenation and a constant addend scale along.
graph concat_zero {
  %x = input f32[N,4]
  %w = const f32[4,4] iota
  %c = linear(%x, %w)
  %i = const i64[2] [0, 2]
  %g = gather(%c, %i) {axis=1}
  %r = relu(%g)
  %k = concat(%c, %r) {axis=1}
  %p = const i64[4] [4, 1, 5, 3]
  %d = gather(%k, %p) {axis=1}
  %t = const f32[4] [32.0, 64.0, -96.0, 0.0]
  %a = add(%d, %t)
  %v = const f32[2,4] [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
  %y = linear(%a, %v)
  output "y" = %y
}
# expect
graph concat_zero {
  %x = input f32[N,4]
  %i = const i64[2] [0, 2]
  %p = const i64[4] [4, 1, 5, 3]
  %w = const f32[4,4] [0.0, 0.03125, 0.0625, 0.09375, 0.125, 0.15625, 0.1875, 0.21875, 0.25, 0.28125, 0.3125, 0.34375, 0.375, 0.40625, 0.4375, 0.46875]
  %c = linear(%x, %w) -> f32[N,4]
  %g = gather(%c, %i) {axis=1} -> f32[N,2]
  %r = relu(%g) -> f32[N,2]
  %k = concat(%c, %r) {axis=1} -> f32[N,6]
  %d = gather(%k, %p) {axis=1} -> f32[N,4]
  %t = const f32[4] [1.0, 2.0, -3.0, 0.0]
  %a = add(%d, %t) -> f32[N,4]
  %v = const f32[2,4] [32.0, 64.0, 96.0, 128.0, 160.0, 192.0, 224.0, 256.0]
  %y = linear(%a, %v) -> f32[N,2]
  output "y" = %y
}
