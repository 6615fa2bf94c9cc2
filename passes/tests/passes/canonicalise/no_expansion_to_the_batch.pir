# run: canonicalise
; A constant as large as the batch is no constant of the graph.
graph expansion_to_the_batch {
  %x = input f32[N,1,2]
  %k = const f32[1,1,2] [1.0, 2.0]
  %all = expand(%k) {dims=[N,1,2]}
  %y = concat(%x, %all) {axis=1}
  output "y" = %y
}
# expect
graph expansion_to_the_batch {
  %x = input f32[N,1,2]
  %k = const f32[1,1,2] [1.0, 2.0]
  %all = expand(%k) {dims=[N, 1, 2]} -> f32[N,1,2]
  %y = concat(%x, %all) {axis=1} -> f32[N,3,2]
  output "y" = %y
}
