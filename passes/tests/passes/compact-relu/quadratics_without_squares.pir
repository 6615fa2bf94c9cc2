# run: compact-relu
; Where no channel has a square, nothing but a factor and an offset is left.
graph quadratics_without_squares {
  %x = input f32[N,2]
  %m = const u8[2] splat(3)
  %q = const f32[2,3] [0.0, 2.0, 0.5, 0.0, 1.0, 0.0]
  %y = masked_relu(%x, %m, quadratic=%q) @relu00
  output "y" = %y
}
# expect
graph quadratics_without_squares {
  %x = input f32[N,2]
  %relu00.quadratic_slope.by = const f32[2] [2.0, 1.0]
  %relu00.quadratic_slope = mul(%x, %relu00.quadratic_slope.by) @relu00 -> f32[N,2]
  %relu00.quadratic_sum.by = const f32[2] [0.5, 0.0]
  %y = add(%relu00.quadratic_slope, %relu00.quadratic_sum.by) @relu00 -> f32[N,2]
  output "y" = %y
}
