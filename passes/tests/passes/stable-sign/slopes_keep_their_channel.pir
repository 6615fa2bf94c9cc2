# run: insert-masks stable-sign compact-relu drop-dead
# mask relu00: [1, 1, 0]
# slope relu00: [0.5, 0.5, 0.5]
# sign relu00: [1, -1, 0]
graph slopes_keep_their_channel {
  %x = input f32[N,3]
  %t = const f32[3] [10.0, -10.0, 0.0]
  %a = add(%x, %t)
  %y = relu(%a) @relu00
  output "y" = %y
}
# expect
graph slopes_keep_their_channel {
  %x = input f32[N,3]
  %t = const f32[3] [10.0, -10.0, 0.0]
  %a = add(%x, %t) -> f32[N,3]
  %relu00.slope.1 = const f32[3] splat(0.5)
  %relu00.scaled = mul(%a, %relu00.slope.1) @relu00 -> f32[N,3]
  %relu00.kept = const i64[1] [0]
  %relu00.gathered = gather(%a, %relu00.kept) {axis=1} @relu00 -> f32[N,1]
  %relu00.relu = relu(%relu00.gathered) @relu00 -> f32[N,1]
  %relu00.first = slice(%a) {axes=[1], starts=[0], ends=[1], steps=[1]} @relu00 -> f32[N,1]
  %relu00.zero = sub(%relu00.first, %relu00.first) @relu00 -> f32[N,1]
  %relu00.joined = concat(%relu00.scaled, %relu00.relu, %relu00.zero) {axis=1} @relu00 -> f32[N,5]
  %relu00.places = const i64[3] [3, 4, 2]
  %y = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,3]
  output "y" = %y
}
