# run: fold-scale-and-bias
; One value a position, or a column: no single factor a channel.
graph spatial_constant {
  %x = input f32[N,2,4,4]
  %w = const f32[4,2,1,1] rand(seed=1)
  %c = conv(%x, %w)
  %s = const f32[4,4] rand(seed=2)
  %m = mul(%c, %s)
  %d = conv(%x, %w)
  %t = const f32[4] rand(seed=3)
  %y = mul(%d, %t)
  %z = add(%m, %y)
  output "y" = %z
}
# expect
