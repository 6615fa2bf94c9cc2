# run: insert-masks stable-sign
# mask relu00: [1, 1, 0, 2, 1]
# sign relu00: [1, -1, -1, 1, 0]
graph of_a_masked_relu {
  %x = input f32[N,5]
  %t = const f32[5] [10.0, -10.0, -10.0, 10.0, 0.0]
  %a = add(%x, %t)
  %y = relu(%a) @relu00
  output "y" = %y
}
# expect
graph of_a_masked_relu {
  %x = input f32[N,5]
  %t = const f32[5] [10.0, -10.0, -10.0, 10.0, 0.0]
  %a = add(%x, %t) -> f32[N,5]
  %relu00.stable = const u8[5] [0, 2, 0, 2, 1]
  %y = masked_relu(%a, %relu00.stable) @relu00 -> f32[N,5]
  output "y" = %y
}
