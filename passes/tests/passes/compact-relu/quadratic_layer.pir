# run: compact-relu
; A layer that is quadratic in all its elements needs no gather.
graph quadratic_layer {
  %x = input f32[N,2,1,3]
  %m = const u8[2,1,3] splat(3)
  %q = const f32[2,3] [0.5, 0.25, 0.125, 1.0, -0.5, 0.0]
  %y = masked_relu(%x, %m, quadratic=%q) @relu00
  output "y" = %y
}
