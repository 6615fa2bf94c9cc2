# run: push-constant
# refused: its reader relu 'r' has no bias
graph no_reader_with_a_bias {
  %x = input f32[N,2,4,4]
  %k = const f32[2,1,1] [0.5, -1.0]
  %s = mul(%x, %x) @relu00
  %a = add(%s, %k) @relu00
  %r = relu(%a) @relu01
  output "y" = %r
}
# expect
graph no_reader_with_a_bias {
  %x = input f32[N,2,4,4]
  %k = const f32[2,1,1] [0.5, -1.0]
  %s = mul(%x, %x) @relu00 -> f32[N,2,4,4]
  %a = add(%s, %k) @relu00 -> f32[N,2,4,4]
  %r = relu(%a) @relu01 -> f32[N,2,4,4]
  output "y" = %r
}
