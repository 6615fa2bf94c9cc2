# run: insert-masks
# mask relu00: [1, 0, 2, 0, 1, 1]
# slope relu00: [0.5, -2.0]
graph of_sequences {
  %x = input f32[N,2,3]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
