# run: push-scale
; The convolution's result is read twice, so the normalisation cannot fold into it; its scale goes to the readers.
graph pre_activation {
  %x = input f32[N,3,6,6]
  %w0 = const f32[2,3,3,3] rand(seed=1)
  %c0 = conv(%x, %w0) {pads=[1,1,1,1]}
  %s = const f32[2,1,1] [0.5, 4.0]
  %t = const f32[2,1,1] [1.0, -2.0]
  %m = mul(%c0, %s)
  %a = add(%m, %t)
  %r = relu(%a) @relu00
  %w1 = const f32[2,2,3,3] rand(seed=2)
  %b1 = const f32[2] [0.25, -0.25]
  %c1 = conv(%r, %w1, %b1) {pads=[1,1,1,1]}
  %w2 = const f32[2,2,1,1] rand(seed=3)
  %c2 = conv(%r, %w2)
  %y = add(%c1, %c2)
  %z = add(%y, %c0)
  output "z" = %z
}
