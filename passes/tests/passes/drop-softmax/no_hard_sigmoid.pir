# run: drop-softmax
# softmax: drop
# refused: it makes different scores equal
graph no_hard_sigmoid {
  %x = input f32[N,4]
  %y = hard_sigmoid(%x)
  output "y" = %y
}
# expect
graph no_hard_sigmoid {
  %x = input f32[N,4]
  %y = hard_sigmoid(%x) -> f32[N,4]
  output "y" = %y
}
