# run: compact-relu fold-scale-and-bias drop-dead
# refused: is also read elsewhere
; What is read elsewhere cannot be scaled; the slopes are a product beside it.
graph slopes_read_elsewhere {
  %x = input f32[N,2,2,2]
  %w = const f32[2,2,1,1] rand(seed=1)
  %c = conv(%x, %w)
  %m = const u8[2,2,2] [1, 0, 0, 0, 1, 0, 0, 0]
  %s = const f32[2] [0.5, -2.0]
  %r = masked_relu(%c, %m, slope=%s) @relu00
  %y = add(%r, %c)
  output "y" = %y
}
# expect
graph slopes_read_elsewhere {
  %x = input f32[N,2,2,2]
  %w = const f32[2,2,1,1] [0.13312304, 0.49156344, 0.9420054, -0.11128163]
  %c = conv(%x, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,2,2]
  %relu00.slope = const f32[2,1,1] [0.5, -2.0]
  %relu00.scaled = mul(%c, %relu00.slope) @relu00 -> f32[N,2,2,2]
  %relu00.flat = reshape(%c) {dims=[N, 8]} @relu00 -> f32[N,8]
  %relu00.scaled_flat = reshape(%relu00.scaled) {dims=[N, 8]} @relu00 -> f32[N,8]
  %relu00.kept = const i64[2] [0, 4]
  %relu00.gathered = gather(%relu00.flat, %relu00.kept) {axis=1} @relu00 -> f32[N,2]
  %relu00.relu = relu(%relu00.gathered) @relu00 -> f32[N,2]
  %relu00.joined = concat(%relu00.scaled_flat, %relu00.relu) {axis=1} @relu00 -> f32[N,10]
  %relu00.places = const i64[8] [8, 1, 2, 3, 9, 5, 6, 7]
  %relu00.placed = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,8]
  %r = reshape(%relu00.placed) {dims=[N, 2, 2, 2]} @relu00 -> f32[N,2,2,2]
  %y = add(%r, %c) -> f32[N,2,2,2]
  output "y" = %y
}
