# run: compact-relu
graph without_a_layer_name {
  %x = input f32[N,5]
  %m = const u8[5] [1, 0, 1, 0, 1]
  %act = masked_relu(%x, %m)
  output "y" = %act
}
# expect
graph without_a_layer_name {
  %x = input f32[N,5]
  %act.kept = const i64[3] [0, 2, 4]
  %act.gathered = gather(%x, %act.kept) {axis=1} -> f32[N,3]
  %act.relu = relu(%act.gathered) -> f32[N,3]
  %act.joined = concat(%x, %act.relu) {axis=1} -> f32[N,8]
  %act.places = const i64[5] [5, 1, 6, 3, 7]
  %act = gather(%act.joined, %act.places) {axis=1} -> f32[N,5]
  output "y" = %act
}
