# run: canonicalise
; The bound may stand on the left, and the maximum may be spelled.
graph relu_of_min {
  %x = input f32[N,3]
  %six = const f32[1] [1.5]
  %zero = const f32[] [0]
  %m = min(%six, %x)
  %r = relu(%m)
  %n = clip(%x) {max=0.5}
  %s = max(%zero, %n)
  %y = add(%r, %s)
  output "y" = %y
}
# expect
graph relu_of_min {
  %x = input f32[N,3]
  %s = capped_relu(%x) {cap=0.5} -> f32[N,3]
  %r = capped_relu(%x) {cap=1.5} -> f32[N,3]
  %y = add(%r, %s) -> f32[N,3]
  output "y" = %y
}
