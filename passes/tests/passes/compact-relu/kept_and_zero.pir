# run: compact-relu
graph kept_and_zero {
  %x = input f32[N,2,2,2]
  %m = const u8[2,2,2] [1, 2, 2, 1, 1, 2, 1, 1]
  %y = masked_relu(%x, %m) @relu00
  output "y" = %y
}
# expect
graph kept_and_zero {
  %x = input f32[N,2,2,2]
  %relu00.flat = reshape(%x) {dims=[N, 8]} @relu00 -> f32[N,8]
  %relu00.kept = const i64[5] [0, 3, 4, 6, 7]
  %relu00.gathered = gather(%relu00.flat, %relu00.kept) {axis=1} @relu00 -> f32[N,5]
  %relu00.relu = relu(%relu00.gathered) @relu00 -> f32[N,5]
  %relu00.first = slice(%relu00.flat) {axes=[1], starts=[0], ends=[1], steps=[1]} @relu00 -> f32[N,1]
  %relu00.zero = sub(%relu00.first, %relu00.first) @relu00 -> f32[N,1]
  %relu00.joined = concat(%relu00.relu, %relu00.zero) {axis=1} @relu00 -> f32[N,6]
  %relu00.places = const i64[8] [0, 5, 5, 1, 2, 5, 3, 4]
  %relu00.placed = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,8]
  %y = reshape(%relu00.placed) {dims=[N, 2, 2, 2]} @relu00 -> f32[N,2,2,2]
  output "y" = %y
}
