# run: push-scale
; The operand is the model's input, which keeps its scale: negative channels are read from its negative, zero ones from 0.
graph signs_by_a_gather {
  %x = input f32[N,3,4,4]
  %s = const f32[3,1,1] [-0.5, 0.0, 2.0]
  %t = const f32[3,1,1] [1.0, 3.0, -4.0]
  %m = mul(%x, %s)
  %a = add(%m, %t)
  %r = relu(%a) @relu00
  %w = const f32[2,3,1,1] [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
  %y = conv(%r, %w)
  output "y" = %y
}
# expect
graph signs_by_a_gather {
  %x = input f32[N,3,4,4]
  %m.negative = neg(%x) -> f32[N,3,4,4]
  %m.first = slice(%x) {axes=[1], starts=[0], ends=[1], steps=[1]} -> f32[N,1,4,4]
  %m.zero = sub(%m.first, %m.first) -> f32[N,1,4,4]
  %m.joined = concat(%x, %m.negative, %m.zero) {axis=1} -> f32[N,7,4,4]
  %m.signs = const i64[3] [3, 6, 2]
  %m = gather(%m.joined, %m.signs) {axis=1} -> f32[N,3,4,4]
  %t.scaled = const f32[3,1,1] [2.0, 3.0, -2.0]
  %a = add(%m, %t.scaled) -> f32[N,3,4,4]
  %r = relu(%a) @relu00 -> f32[N,3,4,4]
  %w.scaled = const f32[2,3,1,1] [0.5, 2.0, 6.0, 2.0, 5.0, 12.0]
  %y = conv(%r, %w.scaled) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  output "y" = %y
}
