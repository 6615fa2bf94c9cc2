# run: canonicalise
; PReLU in NHWC: decomposed, then turned.
graph transpose_of_constant_slope {
  %x = input f32[N,2,3,4]
  %t = transpose(%x) {perm=[0,2,3,1]}
  %s = const f32[2] [0.25, -0.5]
  %p = prelu(%t, %s)
  %y = transpose(%p) {perm=[0,3,1,2]}
  output "y" = %y
}
# expect
graph transpose_of_constant_slope {
  %x = input f32[N,2,3,4]
  %p.rest.moved = const f32[1,2,1,1] [0.75, 1.5]
  %p.relu.inner = relu(%x) -> f32[N,2,3,4]
  %s.moved = const f32[1,2,1,1] [0.25, -0.5]
  %p.positive.inner = mul(%p.relu.inner, %p.rest.moved) -> f32[N,2,3,4]
  %p.linear.inner = mul(%x, %s.moved) -> f32[N,2,3,4]
  %p.inner = add(%p.linear.inner, %p.positive.inner) -> f32[N,2,3,4]
  output "y" = %p.inner
}
