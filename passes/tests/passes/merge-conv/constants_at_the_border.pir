# run: merge-conv
# fold: always
; Outside the map the first computes its bias alone.
graph constants_at_the_border {
  %x = input f32[N,2,5,5]
  %w1 = const f32[3,2,1,1] rand(seed=1)
  %w2 = const f32[4,3,3,3] rand(seed=2)
  %b1 = const f32[3] rand(seed=3)
  %b2 = const f32[4] rand(seed=4)
  %c1 = conv(%x, %w1, %b1)
  %c2 = conv(%c1, %w2, %b2) {pads=[1,1,1,1]}
  output "y" = %c2
}
# expect
graph constants_at_the_border {
  %x = input f32[N,2,5,5]
  %c2.merged.weight = const f32[4,2,3,3] opaque
  %c2.merged.bias = const f32[4] [-1.5199109, 0.9831043, 0.20988187, -0.4603676]
  %c2.merged = conv(%x, %c2.merged.weight, %c2.merged.bias) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,4,5,5]
  %c2.border_bias = const f32[4,5,5] opaque
  %c2 = add(%c2.merged, %c2.border_bias) -> f32[N,4,5,5]
  output "y" = %c2
}
