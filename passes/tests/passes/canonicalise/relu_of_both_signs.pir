# run: canonicalise
; relu(x) − 0.25·relu(−x), as Keras writes PReLU.
graph relu_of_both_signs {
  %x = input f32[N,5]
  %a = const f32[] [-0.25]
  %p = relu(%x)
  %n = neg(%x)
  %q = relu(%n)
  %s = mul(%q, %a)
  %y = add(%p, %s)
  output "y" = %y
}
# expect
graph relu_of_both_signs {
  %x = input f32[N,5]
  %a = const f32[] [-0.25]
  %p = relu(%x) -> f32[N,5]
  %q = sub(%p, %x) -> f32[N,5]
  %s = mul(%q, %a) -> f32[N,5]
  %y = add(%p, %s) -> f32[N,5]
  output "y" = %y
}
