# run: push-scale insert-masks drop-linearized-relu compact-relu fold-scale-and-bias drop-dead
# mask relu00: [0,1,2,1, 1,0,0,2, 2,1,1,0]
# slope relu00: [0.5, 1.0, -2.0]
; Masked by hand on the graph as it was: the same function.
graph masks_hold {
  %x = input f32[N,3,2,2]
  %s = const f32[3,1,1] [0.5, -2.0, 4.0]
  %t = const f32[3,1,1] [0.5, -1.0, 1.0]
  %m = mul(%x, %s)
  %a = add(%m, %t)
  %r = relu(%a) @relu00
  %w = const f32[2,3,1,1] [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
  %y = conv(%r, %w) {pads=[1,1,1,1]}
  output "y" = %y
}
# expect
graph masks_hold {
  %x = input f32[N,3,2,2]
  %relu00.slope.1 = const f32[3,1,1] [0.5, 1.0, -2.0]
  %m.negative = neg(%x) -> f32[N,3,2,2]
  %m.joined = concat(%x, %m.negative) {axis=1} -> f32[N,6,2,2]
  %m.signs = const i64[3] [0, 4, 2]
  %m = gather(%m.joined, %m.signs) {axis=1} -> f32[N,3,2,2]
  %t.scaled = const f32[3,1,1] [1.0, -0.5, 0.25]
  %a = add(%m, %t.scaled) -> f32[N,3,2,2]
  %relu00.flat = reshape(%a) {dims=[N, 12]} @relu00 -> f32[N,12]
  %relu00.scaled = mul(%a, %relu00.slope.1) @relu00 -> f32[N,3,2,2]
  %relu00.scaled_flat = reshape(%relu00.scaled) {dims=[N, 12]} @relu00 -> f32[N,12]
  %w.scaled = const f32[2,3,1,1] [0.5, 4.0, 12.0, 2.0, 10.0, 24.0]
  %relu00.kept = const i64[5] [1, 3, 4, 9, 10]
  %relu00.gathered = gather(%relu00.flat, %relu00.kept) {axis=1} @relu00 -> f32[N,5]
  %relu00.relu = relu(%relu00.gathered) @relu00 -> f32[N,5]
  %relu00.first = slice(%relu00.flat) {axes=[1], starts=[0], ends=[1], steps=[1]} @relu00 -> f32[N,1]
  %relu00.zero = sub(%relu00.first, %relu00.first) @relu00 -> f32[N,1]
  %relu00.joined = concat(%relu00.scaled_flat, %relu00.relu, %relu00.zero) {axis=1} @relu00 -> f32[N,18]
  %relu00.places = const i64[12] [0, 12, 17, 13, 14, 5, 6, 17, 17, 15, 16, 11]
  %relu00.placed = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,12]
  %r = reshape(%relu00.placed) {dims=[N, 3, 2, 2]} @relu00 -> f32[N,3,2,2]
  %y = conv(%r, %w.scaled) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  output "y" = %y
}
