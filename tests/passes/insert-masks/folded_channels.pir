# run: insert-masks
# mask relu00: rand(seed=1)
graph folded_channels {
  %x = input f32[N,2,3,2,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
