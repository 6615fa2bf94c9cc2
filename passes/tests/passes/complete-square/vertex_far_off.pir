# run: complete-square
; The convolution computes the third channel twice: its root, and the line beside the square.
graph vertex_far_off {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %b = const f32[3] [0.5, -0.25, 1.0]
  %c = conv(%x, %w, %b) {pads=[1, 1, 1, 1]}
  %m = const u8[3,4,4] splat(3)
  %q = const f32[3,3] [0.25, 0.5, 0.125, 1.0, 0.0, 0.0, -0.001, 1.0, 0.25]
  %y = masked_relu(%c, %m, quadratic=%q) @relu00
  output "y" = %y
}
