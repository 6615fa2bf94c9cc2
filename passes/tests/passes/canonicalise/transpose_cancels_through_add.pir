# run: canonicalise
; A residual addition in NHWC; one branch is read twice.
graph transpose_cancels_through_add {
  %x = input f32[N,2,3,4]
  %z = input f32[N,2,3,4]
  %tx = transpose(%x) {perm=[0,2,3,1]}
  %tz = transpose(%z) {perm=[0,2,3,1]}
  %rx = relu(%tx)
  %s = add(%rx, %tz)
  %m = mul(%s, %rx)
  %y = transpose(%m) {perm=[0,3,1,2]}
  output "y" = %y
}
# expect
graph transpose_cancels_through_add {
  %x = input f32[N,2,3,4]
  %z = input f32[N,2,3,4]
  %rx.inner = relu(%x) -> f32[N,2,3,4]
  %s.inner = add(%rx.inner, %z) -> f32[N,2,3,4]
  %m.inner = mul(%s.inner, %rx.inner) -> f32[N,2,3,4]
  output "y" = %m.inner
}
