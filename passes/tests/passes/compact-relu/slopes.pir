# run: compact-relu
graph slopes {
  %x = input f32[N,2,2,2]
  %m = const u8[2,2,2] [1, 0, 2, 0, 1, 0, 1, 2]
  %s = const f32[2] [0.5, -2.0]
  %y = masked_relu(%x, %m, slope=%s) @relu00
  output "y" = %y
}
# expect
graph slopes {
  %x = input f32[N,2,2,2]
  %relu00.slope = const f32[2,1,1] [0.5, -2.0]
  %relu00.scaled = mul(%x, %relu00.slope) @relu00 -> f32[N,2,2,2]
  %relu00.flat = reshape(%x) {dims=[N, 8]} @relu00 -> f32[N,8]
  %relu00.scaled_flat = reshape(%relu00.scaled) {dims=[N, 8]} @relu00 -> f32[N,8]
  %relu00.kept = const i64[3] [0, 4, 6]
  %relu00.gathered = gather(%relu00.flat, %relu00.kept) {axis=1} @relu00 -> f32[N,3]
  %relu00.relu = relu(%relu00.gathered) @relu00 -> f32[N,3]
  %relu00.first = slice(%relu00.flat) {axes=[1], starts=[0], ends=[1], steps=[1]} @relu00 -> f32[N,1]
  %relu00.zero = sub(%relu00.first, %relu00.first) @relu00 -> f32[N,1]
  %relu00.joined = concat(%relu00.scaled_flat, %relu00.relu, %relu00.zero) {axis=1} @relu00 -> f32[N,12]
  %relu00.places = const i64[8] [8, 1, 11, 3, 9, 5, 10, 11]
  %relu00.placed = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,8]
  %y = reshape(%relu00.placed) {dims=[N, 2, 2, 2]} @relu00 -> f32[N,2,2,2]
  output "y" = %y
}
