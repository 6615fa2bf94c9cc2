# run: complete-square
; Nothing takes a root here.
graph after_a_sum {
  %x = input f32[N,3,4,4]
  %z = relu(%x) @relu00
  %s = add(%x, %z)
  %m = const u8[3,4,4] splat(3)
  %q = const f32[3,3] [0.25, 0.5, 0.125, 1.0, 0.0, 0.0, -0.5, 1.0, 2.0]
  %y = masked_relu(%s, %m, quadratic=%q) @relu01
  output "y" = %y
}
# expect
graph after_a_sum {
  %x = input f32[N,3,4,4]
  %z = relu(%x) @relu00 -> f32[N,3,4,4]
  %s = add(%x, %z) -> f32[N,3,4,4]
  %relu01.centred.by = const f32[3,1,1] [1.0, 0.0, -1.0]
  %relu01.centred = add(%s, %relu01.centred.by) @relu01 -> f32[N,3,4,4]
  %relu01.square = mul(%relu01.centred, %relu01.centred) @relu01 -> f32[N,3,4,4]
  %relu01.scaled.by = const f32[3,1,1] [0.25, 1.0, -0.5]
  %relu01.scaled = mul(%relu01.square, %relu01.scaled.by) @relu01 -> f32[N,3,4,4]
  %relu01.lifted.by = const f32[3,1,1] [-0.125, 0.0, 2.5]
  %y = add(%relu01.scaled, %relu01.lifted.by) @relu01 -> f32[N,3,4,4]
  output "y" = %y
}
