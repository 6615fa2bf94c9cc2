# run: canonicalise
; Integers that follow from the shape, as an output.
graph constant_as_output {
  %x = input f32[N,4]
  %s = shape(%x) {start=1, end=2}
  %y = relu(%x)
  output "size" = %s
  output "y" = %y
}
# expect
graph constant_as_output {
  %x = input f32[N,4]
  %y = relu(%x) -> f32[N,4]
  %s = const i64[1] [4]
  output "size" = %s
  output "y" = %y
}
