# run: canonicalise
; The constant adds an axis, which the transpose does not know.
graph transpose_beside_a_larger_rank {
  %x = input f32[N,2,3]
  %t = transpose(%x) {perm=[0,2,1]}
  %c = const f32[1,1,1,1] [2.0]
  %d = const f32[2,1,1,1] [2.0, 3.0]
  %y = mul(%t, %c)
  %z = mul(%t, %d)
  output "y" = %y
  output "z" = %z
}
# expect
graph transpose_beside_a_larger_rank {
  %x = input f32[N,2,3]
  %t = transpose(%x) {perm=[0, 2, 1]} -> f32[N,3,2]
  %c = const f32[1,1,1,1] [2.0]
  %d = const f32[2,1,1,1] [2.0, 3.0]
  %y = mul(%t, %c) -> f32[1,N,3,2]
  %z = mul(%t, %d) -> f32[2,N,3,2]
  output "y" = %y
  output "z" = %z
}
