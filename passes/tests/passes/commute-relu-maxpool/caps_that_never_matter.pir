# run: commute-relu-maxpool
graph caps_that_never_matter {
  %x = input f32[N,4]
  %s = sigmoid(%x)
  %a = capped_relu(%s) {cap=1}
  %t = tanh(%x)
  %b = capped_relu(%t) {cap=6}
  %c = capped_relu(%s) {cap=0.5}
  %d = add(%a, %b)
  %y = add(%d, %c)
  output "y" = %y
}
# expect
graph caps_that_never_matter {
  %x = input f32[N,4]
  %s = sigmoid(%x) -> f32[N,4]
  %t = tanh(%x) -> f32[N,4]
  %b = relu(%t) -> f32[N,4]
  %c = capped_relu(%s) {cap=0.5} -> f32[N,4]
  %d = add(%s, %b) -> f32[N,4]
  %y = add(%d, %c) -> f32[N,4]
  output "y" = %y
}
