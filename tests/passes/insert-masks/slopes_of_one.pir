# run: insert-masks
# mask relu00: splat(0)
# slope relu00: splat(1.0)
; Slopes of 1 say nothing.
graph slopes_of_one {
  %x = input f32[N,2,2,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
