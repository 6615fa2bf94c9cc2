# run: compact-relu
graph kept_and_zero {
  %x = input f32[N,2,2,2]
  %m = const u8[2,2,2] [1, 2, 2, 1, 1, 2, 1, 1]
  %y = masked_relu(%x, %m) @relu00
  output "y" = %y
}
# expect
