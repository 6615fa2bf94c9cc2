# run: merge-conv
# fold: always
graph depthwise {
  %x = input f32[N,3,6,6]
  %w1 = const f32[3,1,3,3] rand(seed=1)
  %w2 = const f32[3,1,3,3] rand(seed=2)
  %b1 = const f32[3] rand(seed=3)
  %b2 = const f32[3] rand(seed=4)
  %c1 = conv(%x, %w1, %b1) {group=3, pads=[1,1,1,1]}
  %c2 = conv(%c1, %w2, %b2) {group=3}
  output "y" = %c2
}
# expect
graph depthwise {
  %x = input f32[N,3,6,6]
  %c2.merged.weight = const f32[3,1,5,5] opaque
  %c2.merged.bias = const f32[3] [-1.0267103, 0.49180552, 0.5180416]
  %c2 = conv(%x, %c2.merged.weight, %c2.merged.bias) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=3} -> f32[N,3,4,4]
  output "y" = %c2
}
