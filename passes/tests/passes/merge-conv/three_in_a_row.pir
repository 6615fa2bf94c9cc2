# run: merge-conv
# fold: always
; Shared weights.
graph three_in_a_row {
  %x = input f32[N,2,6,6]
  %w = const f32[2,2,3,3] rand(seed=1)
  %b = const f32[2] rand(seed=2)
  %c1 = conv(%x, %w, %b) {pads=[1,1,1,1]}
  %c2 = conv(%c1, %w, %b)
  %c3 = conv(%c2, %w, %b)
  output "y" = %c3
}
# expect
graph three_in_a_row {
  %x = input f32[N,2,6,6]
  %c3.merged.weight = const f32[2,2,7,7] opaque
  %c3.merged.bias = const f32[2] [2.3484325, -1.9751178]
  %c3 = conv(%x, %c3.merged.weight, %c3.merged.bias) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,2,2]
  output "y" = %c3
}
