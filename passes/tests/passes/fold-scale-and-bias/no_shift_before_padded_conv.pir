# run: fold-scale-and-bias
# refused: the following conv 'c' pads by [1, 0, 0, 0], so the shift would be wrong at the border
; One padded row is enough.
graph shift_before_padded_conv {
  %x = input f32[N,3,4,4]
  %t = const f32[3,1,1] [0.25, -1.0, 2.0]
  %a = add(%x, %t)
  %w = const f32[2,3,3,3] rand(seed=1)
  %c = conv(%a, %w) {pads=[1,0,0,0]}
  output "y" = %c
}
# expect
graph shift_before_padded_conv {
  %x = input f32[N,3,4,4]
  %t = const f32[3,1,1] [0.25, -1.0, 2.0]
  %a = add(%x, %t) -> f32[N,3,4,4]
  %w = const f32[2,3,3,3] opaque
  %c = conv(%a, %w) {strides=[1, 1], pads=[1, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,3,2]
  output "y" = %c
}
