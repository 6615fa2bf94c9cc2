# run: canonicalise
; The output keeps its name, whatever value it reads.
graph identity_as_output {
  %x = input f32[N,5]
  %r = relu(%x)
  %y = identity(%r)
  output "logits" = %y
}
# expect
graph identity_as_output {
  %x = input f32[N,5]
  %r = relu(%x) -> f32[N,5]
  output "logits" = %r
}
