# run: canonicalise
; The other operand is not so transposed.
graph transpose_beside_another {
  %x = input f32[N,3,3,3]
  %z = input f32[N,3,3,3]
  %t = transpose(%x) {perm=[0,2,3,1]}
  %y = add(%t, %z)
  output "y" = %y
}
# expect
graph transpose_beside_another {
  %x = input f32[N,3,3,3]
  %z = input f32[N,3,3,3]
  %t = transpose(%x) {perm=[0, 2, 3, 1]} -> f32[N,3,3,3]
  %y = add(%t, %z) -> f32[N,3,3,3]
  output "y" = %y
}
