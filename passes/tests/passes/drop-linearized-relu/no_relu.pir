# run: drop-linearized-relu
graph relu {
  %x = input f32[N,3]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
graph relu {
  %x = input f32[N,3]
  %y = relu(%x) @relu00 -> f32[N,3]
  output "y" = %y
}
