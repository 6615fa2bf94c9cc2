# run: merge-conv
# fold: always
; One row or column of x for each side, one element for each corner.
graph padded_3x3 {
  %x = input f32[N,2,6,7]
  %w1 = const f32[3,2,3,3] rand(seed=1)
  %w2 = const f32[4,3,3,3] rand(seed=2)
  %b1 = const f32[3] rand(seed=3)
  %b2 = const f32[4] rand(seed=4)
  %c1 = conv(%x, %w1, %b1) {pads=[1,1,1,1]}
  %c2 = conv(%c1, %w2, %b2) {pads=[1,1,1,1]}
  output "y" = %c2
}
# expect
graph padded_3x3 {
  %x = input f32[N,2,6,7]
  %c2.merged.weight = const f32[4,2,5,5] opaque
  %c2.merged.bias = const f32[4] [-1.5199109, 0.9831043, 0.20988187, -0.4603676]
  %c2.merged = conv(%x, %c2.merged.weight, %c2.merged.bias) {strides=[1, 1], pads=[2, 2, 2, 2], dilations=[1, 1], group=1} -> f32[N,4,6,7]
  %c2.top.read = slice(%x) {axes=[2], starts=[0], ends=[1], steps=[1]} -> f32[N,2,1,7]
  %c2.top.weight = const f32[4,2,1,5] opaque
  %c2.top = conv(%c2.top.read, %c2.top.weight) {strides=[1, 1], pads=[0, 2, 0, 2], dilations=[1, 1], group=1} -> f32[N,4,1,7]
  %c2.top.placed = pad(%c2.top) {before=[0, 0, 0, 0], after=[0, 0, 5, 0], value=0.0} -> f32[N,4,6,7]
  %c2.with_top = add(%c2.merged, %c2.top.placed) -> f32[N,4,6,7]
  %c2.bottom.read = slice(%x) {axes=[2], starts=[5], ends=[6], steps=[1]} -> f32[N,2,1,7]
  %c2.bottom.weight = const f32[4,2,1,5] opaque
  %c2.bottom = conv(%c2.bottom.read, %c2.bottom.weight) {strides=[1, 1], pads=[0, 2, 0, 2], dilations=[1, 1], group=1} -> f32[N,4,1,7]
  %c2.bottom.placed = pad(%c2.bottom) {before=[0, 0, 5, 0], after=[0, 0, 0, 0], value=0.0} -> f32[N,4,6,7]
  %c2.with_bottom = add(%c2.with_top, %c2.bottom.placed) -> f32[N,4,6,7]
  %c2.left.read = slice(%x) {axes=[3], starts=[0], ends=[1], steps=[1]} -> f32[N,2,6,1]
  %c2.left.weight = const f32[4,2,5,1] opaque
  %c2.left = conv(%c2.left.read, %c2.left.weight) {strides=[1, 1], pads=[2, 0, 2, 0], dilations=[1, 1], group=1} -> f32[N,4,6,1]
  %c2.left.placed = pad(%c2.left) {before=[0, 0, 0, 0], after=[0, 0, 0, 6], value=0.0} -> f32[N,4,6,7]
  %c2.with_left = add(%c2.with_bottom, %c2.left.placed) -> f32[N,4,6,7]
  %c2.right.read = slice(%x) {axes=[3], starts=[6], ends=[7], steps=[1]} -> f32[N,2,6,1]
  %c2.right.weight = const f32[4,2,5,1] opaque
  %c2.right = conv(%c2.right.read, %c2.right.weight) {strides=[1, 1], pads=[2, 0, 2, 0], dilations=[1, 1], group=1} -> f32[N,4,6,1]
  %c2.right.placed = pad(%c2.right) {before=[0, 0, 0, 6], after=[0, 0, 0, 0], value=0.0} -> f32[N,4,6,7]
  %c2.with_right = add(%c2.with_left, %c2.right.placed) -> f32[N,4,6,7]
  %c2.top_left.read = slice(%x) {axes=[2, 3], starts=[0, 0], ends=[1, 1], steps=[1, 1]} -> f32[N,2,1,1]
  %c2.top_left.weight = const f32[4,2,1,1] [-0.2443923, -0.07299211, -0.21064988, 0.012403559, -0.059061207, 0.14947423, 0.16832775, -0.10445492]
  %c2.top_left = conv(%c2.top_left.read, %c2.top_left.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,1,1]
  %c2.top_left.placed = pad(%c2.top_left) {before=[0, 0, 0, 0], after=[0, 0, 5, 6], value=0.0} -> f32[N,4,6,7]
  %c2.with_top_left = add(%c2.with_right, %c2.top_left.placed) -> f32[N,4,6,7]
  %c2.top_right.read = slice(%x) {axes=[2, 3], starts=[0, 6], ends=[1, 7], steps=[1, 1]} -> f32[N,2,1,1]
  %c2.top_right.weight = const f32[4,2,1,1] [0.6737996, 0.5535978, -1.0134012, -0.3501686, -0.15826015, -0.44225264, -0.996761, -0.038022477]
  %c2.top_right = conv(%c2.top_right.read, %c2.top_right.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,1,1]
  %c2.top_right.placed = pad(%c2.top_right) {before=[0, 0, 0, 6], after=[0, 0, 5, 0], value=0.0} -> f32[N,4,6,7]
  %c2.with_top_right = add(%c2.with_top_left, %c2.top_right.placed) -> f32[N,4,6,7]
  %c2.bottom_left.read = slice(%x) {axes=[2, 3], starts=[5, 0], ends=[6, 1], steps=[1, 1]} -> f32[N,2,1,1]
  %c2.bottom_left.weight = const f32[4,2,1,1] [1.4708686, -1.0624881, 0.8779242, -1.3883966, 0.26193565, 0.72999173, 0.56420267, 0.45362782]
  %c2.bottom_left = conv(%c2.bottom_left.read, %c2.bottom_left.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,1,1]
  %c2.bottom_left.placed = pad(%c2.bottom_left) {before=[0, 0, 5, 0], after=[0, 0, 0, 6], value=0.0} -> f32[N,4,6,7]
  %c2.with_bottom_left = add(%c2.with_top_right, %c2.bottom_left.placed) -> f32[N,4,6,7]
  %c2.bottom_right.read = slice(%x) {axes=[2, 3], starts=[5, 6], ends=[6, 7], steps=[1, 1]} -> f32[N,2,1,1]
  %c2.bottom_right.weight = const f32[4,2,1,1] [-0.16074933, -0.3754696, 0.22253902, 0.24039838, -0.11168685, 0.58196676, -0.08948719, 0.7070066]
  %c2.bottom_right = conv(%c2.bottom_right.read, %c2.bottom_right.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,1,1]
  %c2.bottom_right.placed = pad(%c2.bottom_right) {before=[0, 0, 5, 6], after=[0, 0, 0, 0], value=0.0} -> f32[N,4,6,7]
  %c2.with_bottom_right = add(%c2.with_bottom_left, %c2.bottom_right.placed) -> f32[N,4,6,7]
  %c2.border_bias = const f32[4,6,7] opaque
  %c2 = add(%c2.with_bottom_right, %c2.border_bias) -> f32[N,4,6,7]
  output "y" = %c2
}
