# run: compact-relu
graph all_kept {
  %x = input f32[N,2,2,2]
  %m = const u8[2,2,2] splat(1)
  %s = const f32[2] [0.5, -2.0]
  %y = masked_relu(%x, %m, slope=%s) @relu00
  output "y" = %y
}
# expect
graph all_kept {
  %x = input f32[N,2,2,2]
  %y = relu(%x) @relu00 -> f32[N,2,2,2]
  output "y" = %y
}
