# run: push-constant
# refused: beside it add 't' adds 'x', which is no convolution or linear layer that nothing else reads
graph no_sum_with_a_value {
  %x = input f32[N,2,4,4]
  %k = const f32[2,1,1] [0.5, -1.0]
  %s = mul(%x, %x) @relu00
  %a = add(%s, %k) @relu00
  %t = add(%a, %x)
  output "y" = %t
}
# expect
graph no_sum_with_a_value {
  %x = input f32[N,2,4,4]
  %k = const f32[2,1,1] [0.5, -1.0]
  %s = mul(%x, %x) @relu00 -> f32[N,2,4,4]
  %a = add(%s, %k) @relu00 -> f32[N,2,4,4]
  %t = add(%a, %x) -> f32[N,2,4,4]
  output "y" = %t
}
