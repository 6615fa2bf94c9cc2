# run: canonicalise
; A pool's images lie along the first axis.
graph max_over_maps_of_another_axis {
  %x = input f32[N,2,4,4]
  %t = transpose(%x) {perm=[1, 0, 2, 3]}
  %y = reduce(%t) {kind=max, axes=[2, 3], keep=true}
  output "y" = %y
}
# expect
graph max_over_maps_of_another_axis {
  %x = input f32[N,2,4,4]
  %t = transpose(%x) {perm=[1, 0, 2, 3]} -> f32[2,N,4,4]
  %y = reduce(%t) {kind=max, axes=[2, 3], keep=true} -> f32[2,N,1,1]
  output "y" = %y
}
