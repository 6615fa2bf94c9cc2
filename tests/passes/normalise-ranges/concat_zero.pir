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
