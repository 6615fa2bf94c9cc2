# run: canonicalise
graph relu_less_what_is_above_a_cap {
  %x = input f32[N,3]
  %six = const f32[] [-0.75]
  %r = relu(%x)
  %m = add(%r, %six)
  %s = relu(%m)
  %d = sub(%r, %s)
  %y = abs(%d)
  output "y" = %y
}
# expect
graph relu_less_what_is_above_a_cap {
  %x = input f32[N,3]
  %d = capped_relu(%x) {cap=0.75} -> f32[N,3]
  %y = abs(%d) -> f32[N,3]
  output "y" = %y
}
