# run: insert-masks drop-redundant-relu
# mask relu00: [1, 0, 2, 0]
# mask relu01: [1, 1, 0, 0]
; An element of a sum is known where both addends are; a reshape keeps them in order.
graph elements_of_a_sum {
  %x = input f32[N,1,2,2]
  %n = neg(%x)
  %a = relu(%x) @relu00
  %b = relu(%n) @relu01
  %s = add(%a, %b)
  %f = reshape(%s) {dims=[N, 4]}
  %y = relu(%f) @relu02
  output "y" = %y
}
# expect
