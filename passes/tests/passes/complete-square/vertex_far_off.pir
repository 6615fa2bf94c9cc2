# run: complete-square
; The convolution computes the third channel twice: its root, and the line beside the square.
graph vertex_far_off {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %b = const f32[3] [0.5, -0.25, 1.0]
  %c = conv(%x, %w, %b) {pads=[1, 1, 1, 1]}
  %m = const u8[3,4,4] splat(3)
  %q = const f32[3,3] [0.25, 0.5, 0.125, 1.0, 0.0, 0.0, -0.0009765625, 1.0, 0.25]
  %y = masked_relu(%c, %m, quadratic=%q) @relu00
  output "y" = %y
}
# expect
graph vertex_far_off {
  %x = input f32[N,2,4,4]
  %c.weight = const f32[4,2,3,3] opaque
  %c.bias = const f32[4] [0.75, -0.25, 0.03125, 1.25]
  %c.1 = conv(%x, %c.weight, %c.bias) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,4,4,4]
  %relu00.bent = const i64[3] [0, 1, 2]
  %relu00.bent_gathered = gather(%c.1, %relu00.bent) {axis=1} @relu00 -> f32[N,3,4,4]
  %relu00.square = mul(%relu00.bent_gathered, %relu00.bent_gathered) @relu00 -> f32[N,3,4,4]
  %relu00.scaled.by = const f32[3,1,1] [1.0, 1.0, -1.0]
  %relu00.scaled = mul(%relu00.square, %relu00.scaled.by) @relu00 -> f32[N,3,4,4]
  %relu00.first = slice(%c.1) {axes=[1], starts=[0], ends=[1], steps=[1]} @relu00 -> f32[N,1,4,4]
  %relu00.zero = sub(%relu00.first, %relu00.first) @relu00 -> f32[N,1,4,4]
  %relu00.lines = concat(%c.1, %relu00.zero) {axis=1} @relu00 -> f32[N,5,4,4]
  %relu00.lines_index = const i64[3] [4, 4, 3]
  %relu00.lines_placed = gather(%relu00.lines, %relu00.lines_index) {axis=1} @relu00 -> f32[N,3,4,4]
  %relu00.with_lines = add(%relu00.scaled, %relu00.lines_placed) @relu00 -> f32[N,3,4,4]
  %relu00.lifted.by = const f32[3,1,1] [-0.125, 0.0, 0.0]
  %y = add(%relu00.with_lines, %relu00.lifted.by) @relu00 -> f32[N,3,4,4]
  output "y" = %y
}
