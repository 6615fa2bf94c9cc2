# run: canonicalise
graph softmax_written_out {
  %x = input f32[N,4]
  %m = reduce(%x) {kind=max, axes=[1], keep=true}
  %d = sub(%x, %m)
  %e = exp(%d)
  %s = reduce(%e) {kind=sum, axes=[1], keep=true}
  %y = div(%e, %s)
  output "y" = %y
}
# expect
graph softmax_written_out {
  %x = input f32[N,4]
  %y = softmax(%x) {axis=1} -> f32[N,4]
  output "y" = %y
}
