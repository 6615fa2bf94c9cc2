# run: stable-sign
# sign relu00: [1, -1, 0, 11, 10, 0]
; The inputs are within ±2 and the cap is 5.
graph of_a_capped_relu {
  %x = input f32[N,6]
  %t = const f32[6] [2.5, -10.0, 0.0, 4.0, 3.5, 1.0]
  %a = add(%x, %t)
  %y = capped_relu(%a) {cap=5} @relu00
  output "y" = %y
}
# expect
graph of_a_capped_relu {
  %x = input f32[N,6]
  %t = const f32[6] [2.5, -10.0, 0.0, 4.0, 3.5, 1.0]
  %a = add(%x, %t) -> f32[N,6]
  %relu00.stable = const u8[6] [0, 2, 4, 1, 1, 4]
  %y = masked_relu(%a, %relu00.stable) {cap=5.0} @relu00 -> f32[N,6]
  output "y" = %y
}
