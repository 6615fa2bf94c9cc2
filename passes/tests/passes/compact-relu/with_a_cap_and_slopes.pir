# run: compact-relu
graph with_a_cap_and_slopes {
  %x = input f32[N,2,3,3]
  %w = const f32[2,2,1,1] rand(seed=1)
  %c = conv(%x, %w)
  %m = const u8[2,3,3] [1, 4, 2, 0, 4, 0, 1, 4, 0, 1, 1, 4, 0, 0, 2, 2, 4, 0]
  %s = const f32[2] [0.5, 0.7]
  %y = masked_relu(%c, %m, slope=%s) {cap=0.25} @relu00
  output "y" = %y
}
# expect
graph with_a_cap_and_slopes {
  %x = input f32[N,2,3,3]
  %w = const f32[2,2,1,1] [0.13312304, 0.49156344, 0.9420054, -0.11128163]
  %c = conv(%x, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,3,3]
  %relu00.slope = const f32[2,1,1] [0.5, 0.7]
  %relu00.scaled = mul(%c, %relu00.slope) @relu00 -> f32[N,2,3,3]
  %relu00.flat = reshape(%relu00.scaled) {dims=[N, 18]} @relu00 -> f32[N,18]
  %relu00.kept = const i64[4] [0, 6, 9, 10]
  %relu00.gathered = gather(%relu00.flat, %relu00.kept) {axis=1} @relu00 -> f32[N,4]
  %relu00.unslope = const f32[4] [2.0, 2.0, 1.4285715, 1.4285715]
  %relu00.unscaled = mul(%relu00.gathered, %relu00.unslope) @relu00 -> f32[N,4]
  %relu00.relu = capped_relu(%relu00.unscaled) {cap=0.25} @relu00 -> f32[N,4]
  %relu00.uncapped = const i64[5] [1, 4, 7, 11, 16]
  %relu00.uncapped_gathered = gather(%relu00.flat, %relu00.uncapped) {axis=1} @relu00 -> f32[N,5]
  %relu00.uncapped_unslope = const f32[5] [2.0, 2.0, 2.0, 1.4285715, 1.4285715]
  %relu00.uncapped_unscaled = mul(%relu00.uncapped_gathered, %relu00.uncapped_unslope) @relu00 -> f32[N,5]
  %relu00.uncapped_relu = relu(%relu00.uncapped_unscaled) @relu00 -> f32[N,5]
  %relu00.first = slice(%relu00.flat) {axes=[1], starts=[0], ends=[1], steps=[1]} @relu00 -> f32[N,1]
  %relu00.zero = sub(%relu00.first, %relu00.first) @relu00 -> f32[N,1]
  %relu00.joined = concat(%relu00.flat, %relu00.relu, %relu00.uncapped_relu, %relu00.zero) {axis=1} @relu00 -> f32[N,28]
  %relu00.places = const i64[18] opaque
  %relu00.placed = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,18]
  %y = reshape(%relu00.placed) {dims=[N, 2, 3, 3]} @relu00 -> f32[N,2,3,3]
  output "y" = %y
}
