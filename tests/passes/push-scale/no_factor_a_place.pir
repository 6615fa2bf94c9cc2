# run: push-scale
graph no_factor_a_place {
  %x = input f32[N,2,1,2]
  %s = const f32[2] [0.5, 2.0]
  %m = mul(%x, %s)
  %r = relu(%m) @relu00
  %w = const f32[1,2,1,1] [1.0, 1.0]
  %y = conv(%r, %w)
  output "y" = %y
}
