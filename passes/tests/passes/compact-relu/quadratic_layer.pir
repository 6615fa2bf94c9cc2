# run: compact-relu
; A layer that is quadratic in all its elements needs no gather.
graph quadratic_layer {
  %x = input f32[N,2,1,3]
  %m = const u8[2,1,3] splat(3)
  %q = const f32[2,3] [0.5, 0.25, 0.125, 1.0, -0.5, 0.0]
  %y = masked_relu(%x, %m, quadratic=%q) @relu00
  output "y" = %y
}
# expect
graph quadratic_layer {
  %x = input f32[N,2,1,3]
  %relu00.quadratic_scaled.by = const f32[2,1,1] [0.5, 1.0]
  %relu00.quadratic_scaled = mul(%x, %relu00.quadratic_scaled.by) @relu00 -> f32[N,2,1,3]
  %relu00.quadratic_shifted.by = const f32[2,1,1] [0.25, -0.5]
  %relu00.quadratic_shifted = add(%relu00.quadratic_scaled, %relu00.quadratic_shifted.by) @relu00 -> f32[N,2,1,3]
  %relu00.quadratic_product = mul(%relu00.quadratic_shifted, %x) @relu00 -> f32[N,2,1,3]
  %relu00.quadratic_sum.by = const f32[2,1,1] [0.125, 0.0]
  %y = add(%relu00.quadratic_product, %relu00.quadratic_sum.by) @relu00 -> f32[N,2,1,3]
  output "y" = %y
}
