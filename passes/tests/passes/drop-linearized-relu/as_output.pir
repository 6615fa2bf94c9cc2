# run: drop-linearized-relu
; The output keeps its name and reads the operand.
graph as_output {
  %x = input f32[N,3]
  %m = const u8[3] splat(0)
  %r = masked_relu(%x, %m) @relu00
  output "logits" = %r
}
# expect
graph as_output {
  %x = input f32[N,3]
  output "logits" = %x
}
