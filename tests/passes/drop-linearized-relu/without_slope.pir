# run: drop-linearized-relu
graph without_slope {
  %x = input f32[N,2,2,2]
  %w = const f32[2,2,1,1] rand(seed=1)
  %c = conv(%x, %w)
  %m = const u8[2,2,2] splat(0)
  %r = masked_relu(%c, %m) @relu00
  %y = conv(%r, %w)
  output "y" = %y
}
# expect
