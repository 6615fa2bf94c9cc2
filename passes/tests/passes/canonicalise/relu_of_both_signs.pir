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
