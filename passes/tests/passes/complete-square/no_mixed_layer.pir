# run: complete-square
; Squares and ReLUs in one layer are compact-relu's.
graph no_mixed_layer {
  %x = input f32[N,2]
  %m = const u8[2] [3, 1]
  %q = const f32[2,3] splat(0.5)
  %y = masked_relu(%x, %m, quadratic=%q) @relu00
  output "y" = %y
}
# expect
graph no_mixed_layer {
  %x = input f32[N,2]
  %m = const u8[2] [3, 1]
  %q = const f32[2,3] splat(0.5)
  %y = masked_relu(%x, %m, quadratic=%q) @relu00 -> f32[N,2]
  output "y" = %y
}
