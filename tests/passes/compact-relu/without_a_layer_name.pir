# run: compact-relu
graph without_a_layer_name {
  %x = input f32[N,5]
  %m = const u8[5] [1, 0, 1, 0, 1]
  %act = masked_relu(%x, %m)
  output "y" = %act
}
# expect
