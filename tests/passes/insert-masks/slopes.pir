# run: insert-masks
# mask relu00: [1, 0, 2, 0, 1, 0, 1, 0]
# slope relu00: [0.5, -2.0]
graph slopes {
  %x = input f32[N,2,2,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
