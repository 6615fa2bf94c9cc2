# run: compact-relu
; Slopes stay out of the weights below a quadratic: it is one of their result itself.
graph quadratics_beside_slopes {
  %x = input f32[N,1]
  %w = const f32[3,1] [1.0, 2.0, 3.0]
  %h = linear(%x, %w)
  %m = const u8[3] [3, 0, 1]
  %s = const f32[3] [1.0, 0.5, 1.0]
  %q = const f32[3,3] [0.5, 0.25, 0.125, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
  %y = masked_relu(%h, %m, slope=%s, quadratic=%q) @relu00
  output "y" = %y
}
