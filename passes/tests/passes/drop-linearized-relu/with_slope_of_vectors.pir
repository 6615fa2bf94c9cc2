# run: drop-linearized-relu
graph with_slope_of_vectors {
  %x = input f32[N,3]
  %m = const u8[3] splat(0)
  %s = const f32[3] [0.5, -2.0, 1.0]
  %y = masked_relu(%x, %m, slope=%s) @relu00
  output "y" = %y
}
# expect
graph with_slope_of_vectors {
  %x = input f32[N,3]
  %y.1 = const f32[3] [0.5, -2.0, 1.0]
  %y = mul(%x, %y.1) -> f32[N,3]
  output "y" = %y
}
