# run: complete-square
# refused: channel 2: 0.001·x² + 1·x + 0 has b²/4a = 2.500e2, above 64
graph no_vertex_far_off_after_a_sum {
  %x = input f32[N,3]
  %z = relu(%x) @relu00
  %s = add(%x, %z)
  %m = const u8[3] splat(3)
  %q = const f32[3,3] [0.25, 0.5, 0.125, 1.0, 0.0, 0.0, 0.001, 1.0, 0.0]
  %y = masked_relu(%s, %m, quadratic=%q) @relu01
  output "y" = %y
}
# expect
graph no_vertex_far_off_after_a_sum {
  %x = input f32[N,3]
  %z = relu(%x) @relu00 -> f32[N,3]
  %s = add(%x, %z) -> f32[N,3]
  %m = const u8[3] splat(3)
  %q = const f32[3,3] [0.25, 0.5, 0.125, 1.0, 0.0, 0.0, 0.001, 1.0, 0.0]
  %y = masked_relu(%s, %m, quadratic=%q) @relu01 -> f32[N,3]
  output "y" = %y
}
