# run: compact-relu
; Quadratic elements are gathered into products of their own; what multiplies by 1 is left out.
graph quadratics {
  %x = input f32[N,2,1,3]
  %m = const u8[2,1,3] [3, 1, 0, 2, 3, 3]
  %q = const f32[2,3] [0.5, 0.25, 0.125, 1.0, -0.5, 0.0]
  %y = masked_relu(%x, %m, quadratic=%q) @relu00
  output "y" = %y
}
# expect
graph quadratics {
  %x = input f32[N,2,1,3]
  %relu00.flat = reshape(%x) {dims=[N, 6]} @relu00 -> f32[N,6]
  %relu00.kept = const i64[1] [1]
  %relu00.gathered = gather(%relu00.flat, %relu00.kept) {axis=1} @relu00 -> f32[N,1]
  %relu00.relu = relu(%relu00.gathered) @relu00 -> f32[N,1]
  %relu00.first = slice(%relu00.flat) {axes=[1], starts=[0], ends=[1], steps=[1]} @relu00 -> f32[N,1]
  %relu00.zero = sub(%relu00.first, %relu00.first) @relu00 -> f32[N,1]
  %relu00.quadratic = const i64[3] [0, 4, 5]
  %relu00.quadratic_gathered = gather(%relu00.flat, %relu00.quadratic) {axis=1} @relu00 -> f32[N,3]
  %relu00.quadratic_scaled.by = const f32[3] [0.5, 1.0, 1.0]
  %relu00.quadratic_scaled = mul(%relu00.quadratic_gathered, %relu00.quadratic_scaled.by) @relu00 -> f32[N,3]
  %relu00.quadratic_shifted.by = const f32[3] [0.25, -0.5, -0.5]
  %relu00.quadratic_shifted = add(%relu00.quadratic_scaled, %relu00.quadratic_shifted.by) @relu00 -> f32[N,3]
  %relu00.quadratic_product = mul(%relu00.quadratic_shifted, %relu00.quadratic_gathered) @relu00 -> f32[N,3]
  %relu00.quadratic_sum.by = const f32[3] [0.125, 0.0, 0.0]
  %relu00.quadratic_sum = add(%relu00.quadratic_product, %relu00.quadratic_sum.by) @relu00 -> f32[N,3]
  %relu00.joined = concat(%relu00.flat, %relu00.relu, %relu00.zero, %relu00.quadratic_sum) {axis=1} @relu00 -> f32[N,11]
  %relu00.places = const i64[6] [8, 6, 2, 7, 9, 10]
  %relu00.placed = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,6]
  %y = reshape(%relu00.placed) {dims=[N, 2, 1, 3]} @relu00 -> f32[N,2,1,3]
  output "y" = %y
}
