# run: insert-masks drop-redundant-relu
# mask relu00: splat(0)
; The first ReLU is gone, so the second one works.
graph no_relu_after_the_identity {
  %x = input f32[N,1,2,2]
  %r = relu(%x) @relu00
  %y = relu(%r) @relu01
  output "y" = %y
}
# expect
