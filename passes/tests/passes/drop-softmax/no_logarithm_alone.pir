# run: drop-softmax
# softmax: drop
graph no_logarithm_alone {
  %x = input f32[N,4]
  %a = abs(%x)
  %y = exp(%a)
  output "y" = %y
}
# expect
graph no_logarithm_alone {
  %x = input f32[N,4]
  %a = abs(%x) -> f32[N,4]
  %y = exp(%a) -> f32[N,4]
  output "y" = %y
}
