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
