# run: commute-relu-maxpool
; A sigmoid, a square and an absolute value are not negative whatever masks do before them.
graph relu_that_never_matters {
  %x = input f32[N,2,4,4]
  %r = relu(%x)
  %k = sigmoid(%r)
  %q = mul(%r, %r)
  %a = abs(%r)
  %s = add(%k, %q)
  %t = add(%s, %a)
  %y = relu(%t)
  %z = neg(%y)
  output "z" = %z
}
# expect
graph relu_that_never_matters {
  %x = input f32[N,2,4,4]
  %r = relu(%x) -> f32[N,2,4,4]
  %k = sigmoid(%r) -> f32[N,2,4,4]
  %q = mul(%r, %r) -> f32[N,2,4,4]
  %a = abs(%r) -> f32[N,2,4,4]
  %s = add(%k, %q) -> f32[N,2,4,4]
  %t = add(%s, %a) -> f32[N,2,4,4]
  %z = neg(%t) -> f32[N,2,4,4]
  output "z" = %z
}
