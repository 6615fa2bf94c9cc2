# run: insert-masks
# mask relu00: u8[2,2,2] splat(0)
; The layer is masked already.
graph mask_twice {
  %x = input f32[N,2,2,2]
  %m = const u8[2,2,2] [1, 0, 0, 1, 1, 0, 1, 0]
  %y = masked_relu(%x, %m) @relu00
  output "y" = %y
}
# expect
graph mask_twice {
  %x = input f32[N,2,2,2]
  %m = const u8[2,2,2] [1, 0, 0, 1, 1, 0, 1, 0]
  %y = masked_relu(%x, %m) @relu00 -> f32[N,2,2,2]
  output "y" = %y
}
