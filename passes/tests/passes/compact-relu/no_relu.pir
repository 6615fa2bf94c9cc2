# run: compact-relu
graph relu {
  %x = input f32[N,2,2,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
graph relu {
  %x = input f32[N,2,2,2]
  %y = relu(%x) @relu00 -> f32[N,2,2,2]
  output "y" = %y
}
