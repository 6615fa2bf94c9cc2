# run: insert-masks drop-redundant-relu
# input: -2 2
# mask relu01: [1, 4, 0, 2]
graph cap_of_a_declared_range {
  %x = input f32[N,4]
  %a = capped_relu(%x) {cap=6} @relu00
  %n = neg(%x)
  %b = capped_relu(%n) {cap=2} @relu01
  %y = sub(%a, %b)
  output "y" = %y
}
# expect
graph cap_of_a_declared_range {
  %x = input f32[N,4]
  %relu01.mask.1 = const u8[4] [4, 4, 0, 2]
  %n = neg(%x) -> f32[N,4]
  %a = relu(%x) @relu00 -> f32[N,4]
  %b = masked_relu(%n, %relu01.mask.1) {cap=2.0} @relu01 -> f32[N,4]
  %y = sub(%a, %b) -> f32[N,4]
  output "y" = %y
}
