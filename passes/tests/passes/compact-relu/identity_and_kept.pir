# run: compact-relu
graph identity_and_kept {
  %x = input f32[N,2,2,2]
  %m = const u8[2,2,2] [1, 0, 0, 1, 1, 0, 1, 0]
  %y = masked_relu(%x, %m) @relu00
  output "y" = %y
}
# expect
graph identity_and_kept {
  %x = input f32[N,2,2,2]
  %relu00.flat = reshape(%x) {dims=[N, 8]} @relu00 -> f32[N,8]
  %relu00.kept = const i64[4] [0, 3, 4, 6]
  %relu00.gathered = gather(%relu00.flat, %relu00.kept) {axis=1} @relu00 -> f32[N,4]
  %relu00.relu = relu(%relu00.gathered) @relu00 -> f32[N,4]
  %relu00.joined = concat(%relu00.flat, %relu00.relu) {axis=1} @relu00 -> f32[N,12]
  %relu00.places = const i64[8] [8, 1, 2, 9, 10, 5, 11, 7]
  %relu00.placed = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,8]
  %y = reshape(%relu00.placed) {dims=[N, 2, 2, 2]} @relu00 -> f32[N,2,2,2]
  output "y" = %y
}
