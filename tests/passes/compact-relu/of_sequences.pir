# run: compact-relu
graph of_sequences {
  %x = input f32[N,2,3]
  %m = const u8[2,3] [1, 0, 2, 0, 1, 1]
  %s = const f32[2] [0.5, -2.0]
  %y = masked_relu(%x, %m, %s) @relu00
  output "y" = %y
}
# expect
