# run: compact-relu
; No zeros.
graph slopes_and_kept {
  %x = input f32[N,2,2,2]
  %m = const u8[2,2,2] [1, 0, 0, 0, 1, 0, 1, 1]
  %s = const f32[2] [0.5, -2.0]
  %y = masked_relu(%x, %m, %s) @relu00
  output "y" = %y
}
# expect
