# run: complete-square
; The root goes into the convolution, with h into its bias; signs and k stay behind.
graph after_a_conv {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %b = const f32[3] [0.5, -0.25, 1.0]
  %c = conv(%x, %w, %b) {pads=[1, 1, 1, 1]}
  %m = const u8[3,4,4] splat(3)
  %q = const f32[3,3] [0.25, 0.5, 0.125, 1.0, 0.0, 0.0, -0.5, 1.0, 2.0]
  %y = masked_relu(%c, %m, quadratic=%q) @relu00
  output "y" = %y
}
# expect
graph after_a_conv {
  %x = input f32[N,2,4,4]
  %w.folded = const f32[3,2,3,3] opaque
  %b.folded = const f32[3] [0.75, -0.25, 0.0]
  %c.1 = conv(%x, %w.folded, %b.folded) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,3,4,4]
  %relu00.square = mul(%c.1, %c.1) @relu00 -> f32[N,3,4,4]
  %relu00.scaled.by = const f32[3,1,1] [1.0, 1.0, -1.0]
  %relu00.scaled = mul(%relu00.square, %relu00.scaled.by) @relu00 -> f32[N,3,4,4]
  %relu00.lifted.by = const f32[3,1,1] [-0.125, 0.0, 2.5]
  %y = add(%relu00.scaled, %relu00.lifted.by) @relu00 -> f32[N,3,4,4]
  output "y" = %y
}
