# run: compact-relu fold-scale-and-bias drop-dead
; 2/3: a third in the weights, identity elements twice, kept ones three times. 4: kept elements as they are. The last channel keeps none.
graph slopes_that_are_quotients {
  %x = input f32[N,2,2,2]
  %w = const f32[4,2,1,1] rand(seed=1)
  %b = const f32[4] [0.5, -0.25, 0.75, 0.125]
  %c = conv(%x, %w, %b)
  %m = const u8[4,2,2] [1, 0, 2, 0, 1, 0, 0, 1, 1, 1, 2, 1, 0, 0, 2, 0]
  %s = const f32[4] [0.6666667, 4.0, 0.3, -0.7]
  %y = masked_relu(%c, %m, slope=%s) @relu00
  output "y" = %y
}
# expect
graph slopes_that_are_quotients {
  %x = input f32[N,2,2,2]
  %w.folded = const f32[4,2,1,1] [0.044374347, 0.16385448, 0.9420054, -0.11128163, -0.1114707, 0.52578866, -0.5282881, -0.032294046]
  %b.folded = const f32[4] [0.16666667, -0.25, 0.75, -0.0875]
  %relu00.scaled = conv(%x, %w.folded, %b.folded) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,2,2]
  %relu00.flat = reshape(%relu00.scaled) {dims=[N, 16]} @relu00 -> f32[N,16]
  %relu00.times_2.1 = add(%relu00.flat, %relu00.flat) @relu00 -> f32[N,16]
  %relu00.times_3.1 = add(%relu00.flat, %relu00.flat) @relu00 -> f32[N,16]
  %relu00.times_3 = add(%relu00.flat, %relu00.times_3.1) @relu00 -> f32[N,16]
  %relu00.times_4.1 = add(%relu00.flat, %relu00.flat) @relu00 -> f32[N,16]
  %relu00.times_4.2 = add(%relu00.times_4.1, %relu00.times_4.1) @relu00 -> f32[N,16]
  %relu00.multiples = concat(%relu00.flat, %relu00.times_2.1, %relu00.times_3, %relu00.times_4.2) {axis=1} @relu00 -> f32[N,64]
  %relu00.kept = const i64[6] [32, 4, 7, 8, 9, 11]
  %relu00.gathered = gather(%relu00.multiples, %relu00.kept) {axis=1} @relu00 -> f32[N,6]
  %relu00.relu = relu(%relu00.gathered) @relu00 -> f32[N,6]
  %relu00.first = slice(%relu00.flat) {axes=[1], starts=[0], ends=[1], steps=[1]} @relu00 -> f32[N,1]
  %relu00.zero = sub(%relu00.first, %relu00.first) @relu00 -> f32[N,1]
  %relu00.joined = concat(%relu00.multiples, %relu00.relu, %relu00.zero) {axis=1} @relu00 -> f32[N,71]
  %relu00.places = const i64[16] [64, 17, 70, 19, 65, 53, 54, 66, 67, 68, 70, 69, 12, 13, 70, 15]
  %relu00.placed = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,16]
  %y = reshape(%relu00.placed) {dims=[N, 4, 2, 2]} @relu00 -> f32[N,4,2,2]
  output "y" = %y
}
