# run: compact-relu fold-scale-and-bias drop-dead
; The convolution takes the slopes, and the kept elements alone are multiplied.
graph slopes_into_a_conv {
  %x = input f32[N,2,3,3]
  %w = const f32[2,2,3,3] rand(seed=1)
  %b = const f32[2] [0.5, -0.25]
  %c = conv(%x, %w, %b) {pads=[1,1,1,1]}
  %m = const u8[2,3,3] [1, 0, 2, 0, 1, 0, 1, 2, 0, 0, 1, 1, 0, 0, 0, 1, 2, 0]
  %s = const f32[2] [0.7, -2.0]
  %y = masked_relu(%c, %m, slope=%s) @relu00
  output "y" = %y
}
# expect
graph slopes_into_a_conv {
  %x = input f32[N,2,3,3]
  %w.folded = const f32[2,2,3,3] opaque
  %b.folded = const f32[2] [0.35, 0.5]
  %relu00.scaled = conv(%x, %w.folded, %b.folded) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,3,3]
  %relu00.flat = reshape(%relu00.scaled) {dims=[N, 18]} @relu00 -> f32[N,18]
  %relu00.kept = const i64[6] [0, 4, 6, 10, 11, 15]
  %relu00.gathered = gather(%relu00.flat, %relu00.kept) {axis=1} @relu00 -> f32[N,6]
  %relu00.unslope = const f32[6] [1.4285715, 1.4285715, 1.4285715, -0.5, -0.5, -0.5]
  %relu00.unscaled = mul(%relu00.gathered, %relu00.unslope) @relu00 -> f32[N,6]
  %relu00.relu = relu(%relu00.unscaled) @relu00 -> f32[N,6]
  %relu00.first = slice(%relu00.flat) {axes=[1], starts=[0], ends=[1], steps=[1]} @relu00 -> f32[N,1]
  %relu00.zero = sub(%relu00.first, %relu00.first) @relu00 -> f32[N,1]
  %relu00.joined = concat(%relu00.flat, %relu00.relu, %relu00.zero) {axis=1} @relu00 -> f32[N,25]
  %relu00.places = const i64[18] opaque
  %relu00.placed = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,18]
  %y = reshape(%relu00.placed) {dims=[N, 2, 3, 3]} @relu00 -> f32[N,2,3,3]
  output "y" = %y
}
