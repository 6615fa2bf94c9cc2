# run: drop-linearized-relu
graph mixed {
  %x = input f32[N,2,2,2]
  %m = const u8[2,2,2] [0, 0, 0, 0, 0, 0, 0, 1]
  %y = masked_relu(%x, %m) @relu00
  output "y" = %y
}
# expect
graph mixed {
  %x = input f32[N,2,2,2]
  %m = const u8[2,2,2] [0, 0, 0, 0, 0, 0, 0, 1]
  %y = masked_relu(%x, %m) @relu00 -> f32[N,2,2,2]
  output "y" = %y
}
