# run: push-scale
; The operand is the model's input, which keeps its scale: negative channels are read from its negative, zero ones from 0.
graph signs_by_a_gather {
  %x = input f32[N,3,4,4]
  %s = const f32[3,1,1] [-0.5, 0.0, 2.0]
  %t = const f32[3,1,1] [1.0, 3.0, -4.0]
  %m = mul(%x, %s)
  %a = add(%m, %t)
  %r = relu(%a) @relu00
  %w = const f32[2,3,1,1] [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
  %y = conv(%r, %w)
  output "y" = %y
}
