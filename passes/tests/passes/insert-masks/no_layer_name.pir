# run: insert-masks
# mask relu00: u8[2,2,2] splat(0)
graph layer_name {
  %x = input f32[N,2,2,2]
  %y = relu(%x)
  output "y" = %y
}
# expect
graph layer_name {
  %x = input f32[N,2,2,2]
  %y = relu(%x) -> f32[N,2,2,2]
  output "y" = %y
}
