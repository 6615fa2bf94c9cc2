# run: merge-conv
# fold: always
; One element comes out, so its taps are summed and there is no border.
graph one_output {
  %x = input f32[N,2,2,2]
  %w1 = const f32[3,2,3,3] rand(seed=1)
  %w2 = const f32[4,3,3,3] rand(seed=2)
  %b1 = const f32[3] rand(seed=3)
  %b2 = const f32[4] rand(seed=4)
  %c1 = conv(%x, %w1, %b1) {pads=[1,1,1,1]}
  %c2 = conv(%c1, %w2, %b2) {strides=[2,2], pads=[1,1,1,1]}
  output "y" = %c2
}
# expect
graph one_output {
  %x = input f32[N,2,2,2]
  %c2.merged.weight = const f32[4,2,2,2] opaque
  %c2.merged.bias = const f32[4] [0.2934458, 0.97956717, 0.42407814, -1.5498617]
  %c2 = conv(%x, %c2.merged.weight, %c2.merged.bias) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,1,1]
  output "y" = %c2
}
