# run: stable-sign
# sign relu00: [1, -1, 0]
; The inputs are within ±2, so the shifts decide two signs.
graph of_a_relu {
  %x = input f32[N,3]
  %t = const f32[3] [10.0, -10.0, 0.0]
  %a = add(%x, %t)
  %y = relu(%a) @relu00
  output "y" = %y
}
# expect
graph of_a_relu {
  %x = input f32[N,3]
  %t = const f32[3] [10.0, -10.0, 0.0]
  %a = add(%x, %t) -> f32[N,3]
  %relu00.stable = const u8[3] [0, 2, 1]
  %y = masked_relu(%a, %relu00.stable) @relu00 -> f32[N,3]
  output "y" = %y
}
