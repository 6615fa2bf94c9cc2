# run: insert-masks
# mask relu00: rand(seed=1)
graph folded_channels {
  %x = input f32[N,2,3,2,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
graph folded_channels {
  %x = input f32[N,2,3,2,2]
  %relu00.mask = const u8[2,3,2,2] opaque
  %y = masked_relu(%x, %relu00.mask) @relu00 -> f32[N,2,3,2,2]
  output "y" = %y
}
