# run: canonicalise
; The sum runs over other elements, or its axis is gone.
graph no_softmax_of_another_sum {
  %x = input f32[N,4,4]
  %e = exp(%x)
  %f = neg(%e)
  %s = reduce(%f) {kind=sum, axes=[1], keep=true}
  %y = div(%e, %s)
  %t = reduce(%e) {kind=sum, axes=[1], keep=false}
  %u = reshape(%t) {dims=[N, 4, 1]}
  %z = div(%e, %u)
  output "y" = %y
  output "z" = %z
}
# expect
graph no_softmax_of_another_sum {
  %x = input f32[N,4,4]
  %e = exp(%x) -> f32[N,4,4]
  %f = neg(%e) -> f32[N,4,4]
  %s = reduce(%f) {kind=sum, axes=[1], keep=true} -> f32[N,1,4]
  %y = div(%e, %s) -> f32[N,4,4]
  %t = reduce(%e) {kind=sum, axes=[1], keep=false} -> f32[N,4]
  %u = reshape(%t) {dims=[N, 4, 1]} -> f32[N,4,1]
  %z = div(%e, %u) -> f32[N,4,4]
  output "y" = %y
  output "z" = %z
}
