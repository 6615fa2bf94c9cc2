# run: insert-masks
# mask relu00: [1, 0, 2, 2, 1, 0, 1, 2]
graph zeros {
  %x = input f32[N,2,2,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
