# run: canonicalise
; log(1 + exp(x))
graph softplus_written_out {
  %x = input f32[N,5]
  %one = const f32[] [1.0]
  %e = exp(%x)
  %s = add(%one, %e)
  %y = log(%s)
  output "y" = %y
}
# expect
graph softplus_written_out {
  %x = input f32[N,5]
  %y = softplus(%x) -> f32[N,5]
  output "y" = %y
}
