# run: compact-relu
; Rank 2 needs no reshapes.
graph of_vectors {
  %x = input f32[N,5]
  %m = const u8[5] [1, 0, 2, 0, 1]
  %s = const f32[5] [0.5, -2.0, 1.0, 3.0, 0.0]
  %y = masked_relu(%x, %m, %s) @relu00
  output "y" = %y
}
# expect
