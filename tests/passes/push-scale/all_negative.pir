# run: push-scale
graph all_negative {
  %x = input f32[N,2,4,4]
  %s = const f32[2,1,1] [-0.5, -2.0]
  %m = mul(%x, %s)
  %r = relu(%m) @relu00
  %w = const f32[1,2,1,1] [1.0, 1.0]
  %y = conv(%r, %w)
  output "y" = %y
}
