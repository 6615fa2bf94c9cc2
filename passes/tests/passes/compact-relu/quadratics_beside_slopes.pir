# run: compact-relu
; Slopes stay out of the weights below a quadratic: it is one of their result itself.
graph quadratics_beside_slopes {
  %x = input f32[N,1]
  %w = const f32[3,1] [1.0, 2.0, 3.0]
  %h = linear(%x, %w)
  %m = const u8[3] [3, 0, 1]
  %s = const f32[3] [1.0, 0.5, 1.0]
  %q = const f32[3,3] [0.5, 0.25, 0.125, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
  %y = masked_relu(%h, %m, slope=%s, quadratic=%q) @relu00
  output "y" = %y
}
# expect
graph quadratics_beside_slopes {
  %x = input f32[N,1]
  %w = const f32[3,1] [1.0, 2.0, 3.0]
  %h = linear(%x, %w) -> f32[N,3]
  %relu00.slope = const f32[3] [1.0, 0.5, 1.0]
  %relu00.scaled = mul(%h, %relu00.slope) @relu00 -> f32[N,3]
  %relu00.kept = const i64[1] [2]
  %relu00.gathered = gather(%h, %relu00.kept) {axis=1} @relu00 -> f32[N,1]
  %relu00.relu = relu(%relu00.gathered) @relu00 -> f32[N,1]
  %relu00.quadratic = const i64[1] [0]
  %relu00.quadratic_gathered = gather(%h, %relu00.quadratic) {axis=1} @relu00 -> f32[N,1]
  %relu00.quadratic_scaled.by = const f32[1] [0.5]
  %relu00.quadratic_scaled = mul(%relu00.quadratic_gathered, %relu00.quadratic_scaled.by) @relu00 -> f32[N,1]
  %relu00.quadratic_shifted.by = const f32[1] [0.25]
  %relu00.quadratic_shifted = add(%relu00.quadratic_scaled, %relu00.quadratic_shifted.by) @relu00 -> f32[N,1]
  %relu00.quadratic_product = mul(%relu00.quadratic_shifted, %relu00.quadratic_gathered) @relu00 -> f32[N,1]
  %relu00.quadratic_sum.by = const f32[1] [0.125]
  %relu00.quadratic_sum = add(%relu00.quadratic_product, %relu00.quadratic_sum.by) @relu00 -> f32[N,1]
  %relu00.joined = concat(%relu00.scaled, %relu00.relu, %relu00.quadratic_sum) {axis=1} @relu00 -> f32[N,5]
  %relu00.places = const i64[3] [4, 1, 3]
  %y = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,3]
  output "y" = %y
}
