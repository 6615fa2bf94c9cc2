# run: hoist-padding merge-conv
# hoist: padding
# fold: always
; What comes out needs no correction.
graph then_merged {
  %x = input f32[N,2,8,8]
  %w1 = const f32[3,2,3,3] rand(seed=1)
  %w2 = const f32[4,3,3,3] rand(seed=2)
  %b1 = const f32[3] rand(seed=3)
  %b2 = const f32[4] rand(seed=4)
  %c1 = conv(%x, %w1, %b1) {pads=[1,1,1,1]}
  %c2 = conv(%c1, %w2, %b2) {pads=[1,1,1,1]}
  output "y" = %c2
}
# expect
graph then_merged {
  %x = input f32[N,2,8,8]
  %c2.merged.weight = const f32[4,2,5,5] opaque
  %c2.merged.bias = const f32[4] [-1.5199109, 0.9831043, 0.20988187, -0.4603676]
  %c2 = conv(%x, %c2.merged.weight, %c2.merged.bias) {strides=[1, 1], pads=[2, 2, 2, 2], dilations=[1, 1], group=1} -> f32[N,4,8,8]
  output "y" = %c2
}
