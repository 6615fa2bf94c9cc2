# run: push-scale insert-masks drop-linearized-relu compact-relu fold-scale-and-bias drop-dead
# mask relu00: [0,1,2,1, 1,0,0,2, 2,1,1,0]
# slope relu00: [0.5, 1.0, -2.0]
; Masked by hand on the graph as it was: the same function.
graph masks_hold {
  %x = input f32[N,3,2,2]
  %s = const f32[3,1,1] [0.5, -2.0, 4.0]
  %t = const f32[3,1,1] [0.5, -1.0, 1.0]
  %m = mul(%x, %s)
  %a = add(%m, %t)
  %r = relu(%a) @relu00
  %w = const f32[2,3,1,1] [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
  %y = conv(%r, %w) {pads=[1,1,1,1]}
  output "y" = %y
}
