# run: complete-square
; Channels without a square are gathered past the product; what they are multiplied by and have added is in the convolution.
graph lines_go_past_it {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %b = const f32[3] [0.5, -0.25, 1.0]
  %c = conv(%x, %w, %b) {pads=[1, 1, 1, 1]}
  %m = const u8[3,4,4] splat(3)
  %q = const f32[3,3] [0.25, 0.5, 0.125, 0.0, -2.0, 1.0, 0.0, 0.0, 3.0]
  %y = masked_relu(%c, %m, quadratic=%q) @relu00
  output "y" = %y
}
# expect
graph lines_go_past_it {
  %x = input f32[N,2,4,4]
  %w.folded = const f32[3,2,3,3] opaque
  %b.folded = const f32[3] [0.75, 1.5, 3.0]
  %c.1 = conv(%x, %w.folded, %b.folded) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,3,4,4]
  %relu00.bent = const i64[1] [0]
  %relu00.bent_gathered = gather(%c.1, %relu00.bent) {axis=1} @relu00 -> f32[N,1,4,4]
  %relu00.square = mul(%relu00.bent_gathered, %relu00.bent_gathered) @relu00 -> f32[N,1,4,4]
  %relu00.joined = concat(%relu00.square, %c.1) {axis=1} @relu00 -> f32[N,4,4,4]
  %relu00.places = const i64[3] [0, 2, 3]
  %relu00.placed = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,3,4,4]
  %relu00.lifted.by = const f32[3,1,1] [-0.125, 0.0, 0.0]
  %y = add(%relu00.placed, %relu00.lifted.by) @relu00 -> f32[N,3,4,4]
  output "y" = %y
}
