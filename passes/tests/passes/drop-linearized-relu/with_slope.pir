# run: drop-linearized-relu
graph with_slope {
  %x = input f32[N,2,2,2]
  %m = const u8[2,2,2] splat(0)
  %s = const f32[2] [0.5, -2.0]
  %y = masked_relu(%x, %m, slope=%s) @relu00
  output "y" = %y
}
# expect
graph with_slope {
  %x = input f32[N,2,2,2]
  %y.1 = const f32[2,1,1] [0.5, -2.0]
  %y = mul(%x, %y.1) -> f32[N,2,2,2]
  output "y" = %y
}
