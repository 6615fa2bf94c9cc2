# run: canonicalise
; Channel shuffle: the target shape is computed with integers, the batch in it stays symbolic.
graph shape_arithmetic {
  %x = input f32[N,6,2,2]
  %s = shape(%x) {end=4}
  %i0 = const i64[1] [0]
  %i1 = const i64[1] [1]
  %i23 = const i64[2] [2, 3]
  %n = gather(%s, %i0) {axis=0}
  %c = gather(%s, %i1) {axis=0}
  %hw = gather(%s, %i23) {axis=0}
  %groups = const i64[1] [2]
  %per = div(%c, %groups)
  %split = concat(%n, %groups, %per, %hw) {axis=0}
  %a = dyn.reshape(%x, %split)
  %t = transpose(%a) {perm=[0,2,1,3,4]}
  %y = dyn.reshape(%t, %s)
  output "y" = %y
}
# expect
graph shape_arithmetic {
  %x = input f32[N,6,2,2]
  %a = reshape(%x) {dims=[N, 2, 3, 2, 2]} -> f32[N,2,3,2,2]
  %t = transpose(%a) {perm=[0, 2, 1, 3, 4]} -> f32[N,3,2,2,2]
  %y = reshape(%t) {dims=[N, 6, 2, 2]} -> f32[N,6,2,2]
  output "y" = %y
}
