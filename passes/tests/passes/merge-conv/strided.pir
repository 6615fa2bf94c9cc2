# run: merge-conv
# fold: always
; Kernel 3 + 2·2 by 3 + 2·3, strides 2·2 by 3·1.
graph strided {
  %x = input f32[N,2,11,12]
  %w1 = const f32[3,2,3,3] rand(seed=1)
  %w2 = const f32[4,3,3,3] rand(seed=2)
  %b1 = const f32[3] rand(seed=3)
  %b2 = const f32[4] rand(seed=4)
  %c1 = conv(%x, %w1, %b1) {strides=[2,3], pads=[1,0,0,1]}
  %c2 = conv(%c1, %w2, %b2) {strides=[2,1]}
  output "y" = %c2
}
# expect
graph strided {
  %x = input f32[N,2,11,12]
  %c2.merged.weight = const f32[4,2,7,9] opaque
  %c2.merged.bias = const f32[4] [-1.5199109, 0.9831043, 0.20988187, -0.4603676]
  %c2 = conv(%x, %c2.merged.weight, %c2.merged.bias) {strides=[4, 3], pads=[1, 0, 1, 0], dilations=[1, 1], group=1} -> f32[N,4,2,2]
  output "y" = %c2
}
