# run: insert-masks stable-sign compact-relu drop-dead
# mask relu00: [1, 1, 0]
# slope relu00: [0.5, 0.5, 0.5]
# sign relu00: [1, -1, 0]
graph slopes_keep_their_channel {
  %x = input f32[N,3]
  %t = const f32[3] [10.0, -10.0, 0.0]
  %a = add(%x, %t)
  %y = relu(%a) @relu00
  output "y" = %y
}
