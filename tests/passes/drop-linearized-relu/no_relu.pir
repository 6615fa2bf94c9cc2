# run: drop-linearized-relu
graph relu {
  %x = input f32[N,3]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
