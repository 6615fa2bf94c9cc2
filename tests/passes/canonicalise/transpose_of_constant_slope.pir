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
