# run: insert-masks
# mask relu00: [3, 3, 1, 2]
# quadratic relu00: [0.5, 0.25, 0.125, 0.0, 1.0, 0.0]
graph quadratic {
  %x = input f32[N,2,1,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
