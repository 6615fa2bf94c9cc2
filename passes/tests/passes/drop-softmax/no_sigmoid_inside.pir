# run: drop-softmax
# softmax: drop
graph no_sigmoid_inside {
  %x = input f32[N,4]
  %s = sigmoid(%x)
  %y = mul(%s, %x)
  output "y" = %y
}
# expect
graph no_sigmoid_inside {
  %x = input f32[N,4]
  %s = sigmoid(%x) -> f32[N,4]
  %y = mul(%s, %x) -> f32[N,4]
  output "y" = %y
}
