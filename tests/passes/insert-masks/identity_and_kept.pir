# run: insert-masks
# mask relu00: [1, 0, 0, 1, 1, 0, 1, 0]
graph identity_and_kept {
  %x = input f32[N,2,2,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
