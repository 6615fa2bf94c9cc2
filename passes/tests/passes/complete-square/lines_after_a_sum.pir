# run: complete-square
graph lines_after_a_sum {
  %x = input f32[N,3]
  %z = relu(%x) @relu00
  %s = add(%x, %z)
  %m = const u8[3] splat(3)
  %q = const f32[3,3] [0.25, 0.5, 0.125, 0.0, -2.0, 1.0, 0.5, 0.0, 3.0]
  %y = masked_relu(%s, %m, quadratic=%q) @relu01
  output "y" = %y
}
# expect
graph lines_after_a_sum {
  %x = input f32[N,3]
  %z = relu(%x) @relu00 -> f32[N,3]
  %s = add(%x, %z) -> f32[N,3]
  %relu01.centred.by = const f32[3] [1.0, 0.0, 0.0]
  %relu01.centred = add(%s, %relu01.centred.by) @relu01 -> f32[N,3]
  %relu01.bent = const i64[2] [0, 2]
  %relu01.bent_gathered = gather(%relu01.centred, %relu01.bent) {axis=1} @relu01 -> f32[N,2]
  %relu01.square = mul(%relu01.bent_gathered, %relu01.bent_gathered) @relu01 -> f32[N,2]
  %relu01.joined = concat(%relu01.square, %relu01.centred) {axis=1} @relu01 -> f32[N,5]
  %relu01.places = const i64[3] [0, 3, 1]
  %relu01.placed = gather(%relu01.joined, %relu01.places) {axis=1} @relu01 -> f32[N,3]
  %relu01.scaled.by = const f32[3] [0.25, -2.0, 0.5]
  %relu01.scaled = mul(%relu01.placed, %relu01.scaled.by) @relu01 -> f32[N,3]
  %relu01.lifted.by = const f32[3] [-0.125, 1.0, 3.0]
  %y = add(%relu01.scaled, %relu01.lifted.by) @relu01 -> f32[N,3]
  output "y" = %y
}
