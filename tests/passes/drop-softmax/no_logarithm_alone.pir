# run: drop-softmax
# softmax: drop
graph no_logarithm_alone {
  %x = input f32[N,4]
  %a = abs(%x)
  %y = exp(%a)
  output "y" = %y
}
# expect
