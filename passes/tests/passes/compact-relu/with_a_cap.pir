# run: compact-relu
; Elements with the cap and those without it are gathered apart.
graph with_a_cap {
  %x = input f32[N,2,2,2]
  %m = const u8[2,2,2] [1, 4, 2, 0, 4, 0, 1, 4]
  %y = masked_relu(%x, %m) {cap=0.75} @relu00
  output "y" = %y
}
# expect
graph with_a_cap {
  %x = input f32[N,2,2,2]
  %relu00.flat = reshape(%x) {dims=[N, 8]} @relu00 -> f32[N,8]
  %relu00.kept = const i64[2] [0, 6]
  %relu00.gathered = gather(%relu00.flat, %relu00.kept) {axis=1} @relu00 -> f32[N,2]
  %relu00.relu = capped_relu(%relu00.gathered) {cap=0.75} @relu00 -> f32[N,2]
  %relu00.uncapped = const i64[3] [1, 4, 7]
  %relu00.uncapped_gathered = gather(%relu00.flat, %relu00.uncapped) {axis=1} @relu00 -> f32[N,3]
  %relu00.uncapped_relu = relu(%relu00.uncapped_gathered) @relu00 -> f32[N,3]
  %relu00.first = slice(%relu00.flat) {axes=[1], starts=[0], ends=[1], steps=[1]} @relu00 -> f32[N,1]
  %relu00.zero = sub(%relu00.first, %relu00.first) @relu00 -> f32[N,1]
  %relu00.joined = concat(%relu00.flat, %relu00.relu, %relu00.uncapped_relu, %relu00.zero) {axis=1} @relu00 -> f32[N,14]
  %relu00.places = const i64[8] [8, 10, 13, 3, 11, 5, 9, 12]
  %relu00.placed = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,8]
  %y = reshape(%relu00.placed) {dims=[N, 2, 2, 2]} @relu00 -> f32[N,2,2,2]
  output "y" = %y
}
