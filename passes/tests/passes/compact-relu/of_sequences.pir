# run: compact-relu
graph of_sequences {
  %x = input f32[N,2,3]
  %m = const u8[2,3] [1, 0, 2, 0, 1, 1]
  %s = const f32[2] [0.5, -2.0]
  %y = masked_relu(%x, %m, slope=%s) @relu00
  output "y" = %y
}
# expect
graph of_sequences {
  %x = input f32[N,2,3]
  %relu00.slope = const f32[2,1] [0.5, -2.0]
  %relu00.scaled = mul(%x, %relu00.slope) @relu00 -> f32[N,2,3]
  %relu00.flat = reshape(%x) {dims=[N, 6]} @relu00 -> f32[N,6]
  %relu00.scaled_flat = reshape(%relu00.scaled) {dims=[N, 6]} @relu00 -> f32[N,6]
  %relu00.kept = const i64[3] [0, 4, 5]
  %relu00.gathered = gather(%relu00.flat, %relu00.kept) {axis=1} @relu00 -> f32[N,3]
  %relu00.relu = relu(%relu00.gathered) @relu00 -> f32[N,3]
  %relu00.first = slice(%relu00.flat) {axes=[1], starts=[0], ends=[1], steps=[1]} @relu00 -> f32[N,1]
  %relu00.zero = sub(%relu00.first, %relu00.first) @relu00 -> f32[N,1]
  %relu00.joined = concat(%relu00.scaled_flat, %relu00.relu, %relu00.zero) {axis=1} @relu00 -> f32[N,10]
  %relu00.places = const i64[6] [6, 1, 9, 3, 7, 8]
  %relu00.placed = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,6]
  %y = reshape(%relu00.placed) {dims=[N, 2, 3]} @relu00 -> f32[N,2,3]
  output "y" = %y
}
