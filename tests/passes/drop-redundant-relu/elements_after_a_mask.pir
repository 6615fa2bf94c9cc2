# run: insert-masks drop-redundant-relu
# mask relu00: [1, 0, 2, 0]
graph elements_after_a_mask {
  %x = input f32[N,1,2,2]
  %r = relu(%x) @relu00
  %y = relu(%r) @relu01
  output "y" = %y
}
# expect
