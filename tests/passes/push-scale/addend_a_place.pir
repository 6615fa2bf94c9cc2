# run: push-scale
graph addend_a_place {
  %x = input f32[N,2,1,2]
  %s = const f32[1,2,1,1] [0.5, 4.0]
  %m = mul(%s, %x)
  %t = const f32[2] [1.0, 2.0]
  %a = sub(%t, %m)
  %r = relu(%a) @relu00
  %w = const f32[1,2,1,1] [1.0, 1.0]
  %y = conv(%r, %w)
  output "y" = %y
}
