# run: compact-relu
graph all_three {
  %x = input f32[N,2,2,2]
  %m = const u8[2,2,2] [1, 0, 2, 2, 1, 0, 1, 2]
  %y = masked_relu(%x, %m) @relu00
  output "y" = %y
}
# expect
