# run: fold-scale-and-bias
; The constant broadcasts the batch.
graph constant_per_image {
  %x = input f32[1,2,4,4]
  %w = const f32[3,2,1,1] rand(seed=1)
  %c = conv(%x, %w)
  %s = const f32[2,3,1,1] rand(seed=2)
  %m = mul(%c, %s)
  output "y" = %m
}
# expect
graph constant_per_image {
  %x = input f32[1,2,4,4]
  %w = const f32[3,2,1,1] [0.13312304, 0.49156344, 0.9420054, -0.11128163, -0.1114707, 0.52578866]
  %c = conv(%x, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[1,3,4,4]
  %s = const f32[2,3,1,1] [0.18237936, 0.49829936, 0.19127607, 0.53083825, -0.3768227, -0.30675554]
  %m = mul(%c, %s) -> f32[2,3,4,4]
  output "y" = %m
}
