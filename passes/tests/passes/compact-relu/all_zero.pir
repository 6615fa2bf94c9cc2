# run: compact-relu
graph all_zero {
  %x = input f32[N,2,2,2]
  %m = const u8[2,2,2] splat(2)
  %y = masked_relu(%x, %m) @relu00
  output "y" = %y
}
# expect
graph all_zero {
  %x = input f32[N,2,2,2]
  %relu00.flat = reshape(%x) {dims=[N, 8]} @relu00 -> f32[N,8]
  %relu00.first = slice(%relu00.flat) {axes=[1], starts=[0], ends=[1], steps=[1]} @relu00 -> f32[N,1]
  %relu00.zero = sub(%relu00.first, %relu00.first) @relu00 -> f32[N,1]
  %relu00.places = const i64[8] [0, 0, 0, 0, 0, 0, 0, 0]
  %relu00.placed = gather(%relu00.zero, %relu00.places) {axis=1} @relu00 -> f32[N,8]
  %y = reshape(%relu00.placed) {dims=[N, 2, 2, 2]} @relu00 -> f32[N,2,2,2]
  output "y" = %y
}
