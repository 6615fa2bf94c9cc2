# run: canonicalise
graph no_relu_less_another {
  %x = input f32[N,3]
  %six = const f32[] [0.75]
  %r = relu(%x)
  %m = add(%x, %six)
  %s = relu(%m)
  %d = sub(%r, %s)
  %y = abs(%d)
  output "y" = %y
}
# expect
graph no_relu_less_another {
  %x = input f32[N,3]
  %six = const f32[] [0.75]
  %r = relu(%x) -> f32[N,3]
  %m = add(%x, %six) -> f32[N,3]
  %s = relu(%m) -> f32[N,3]
  %d = sub(%r, %s) -> f32[N,3]
  %y = abs(%d) -> f32[N,3]
  output "y" = %y
}
