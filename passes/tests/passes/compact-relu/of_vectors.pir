# run: compact-relu
; Rank 2 needs no reshapes.
graph of_vectors {
  %x = input f32[N,5]
  %m = const u8[5] [1, 0, 2, 0, 1]
  %s = const f32[5] [0.5, -2.0, 1.0, 3.0, 0.0]
  %y = masked_relu(%x, %m, slope=%s) @relu00
  output "y" = %y
}
# expect
graph of_vectors {
  %x = input f32[N,5]
  %relu00.slope = const f32[5] [0.5, -2.0, 1.0, 3.0, 0.0]
  %relu00.scaled = mul(%x, %relu00.slope) @relu00 -> f32[N,5]
  %relu00.kept = const i64[2] [0, 4]
  %relu00.gathered = gather(%x, %relu00.kept) {axis=1} @relu00 -> f32[N,2]
  %relu00.relu = relu(%relu00.gathered) @relu00 -> f32[N,2]
  %relu00.first = slice(%x) {axes=[1], starts=[0], ends=[1], steps=[1]} @relu00 -> f32[N,1]
  %relu00.zero = sub(%relu00.first, %relu00.first) @relu00 -> f32[N,1]
  %relu00.joined = concat(%relu00.scaled, %relu00.relu, %relu00.zero) {axis=1} @relu00 -> f32[N,8]
  %relu00.places = const i64[5] [5, 1, 7, 3, 6]
  %y = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,5]
  output "y" = %y
}
