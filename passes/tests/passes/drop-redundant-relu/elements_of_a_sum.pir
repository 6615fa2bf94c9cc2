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
graph elements_of_a_sum {
  %x = input f32[N,1,2,2]
  %n = neg(%x) -> f32[N,1,2,2]
  %relu01.mask = const u8[1,2,2] [1, 1, 0, 0]
  %relu02.mask = const u8[4] [0, 1, 1, 1]
  %relu00.mask = const u8[1,2,2] [1, 0, 2, 0]
  %a = masked_relu(%x, %relu00.mask) @relu00 -> f32[N,1,2,2]
  %b = masked_relu(%n, %relu01.mask) @relu01 -> f32[N,1,2,2]
  %s = add(%a, %b) -> f32[N,1,2,2]
  %f = reshape(%s) {dims=[N, 4]} -> f32[N,4]
  %y = masked_relu(%f, %relu02.mask) @relu02 -> f32[N,4]
  output "y" = %y
}
