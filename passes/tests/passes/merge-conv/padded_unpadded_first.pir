# run: merge-conv
# fold: always
; The ring outside depends on the two outermost rows of x.
graph padded_unpadded_first {
  %x = input f32[N,2,8,8]
  %w1 = const f32[3,2,3,3] rand(seed=1)
  %w2 = const f32[4,3,3,3] rand(seed=2)
  %b1 = const f32[3] rand(seed=3)
  %b2 = const f32[4] rand(seed=4)
  %c1 = conv(%x, %w1, %b1)
  %c2 = conv(%c1, %w2, %b2) {pads=[1,1,1,1]}
  output "y" = %c2
}
# expect
graph padded_unpadded_first {
  %x = input f32[N,2,8,8]
  %c2.merged.weight = const f32[4,2,5,5] opaque
  %c2.merged.bias = const f32[4] [-1.5199109, 0.9831043, 0.20988187, -0.4603676]
  %c2.merged = conv(%x, %c2.merged.weight, %c2.merged.bias) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,4,6,6]
  %c2.top.read = slice(%x) {axes=[2], starts=[0], ends=[2], steps=[1]} -> f32[N,2,2,8]
  %c2.top.weight = const f32[4,2,2,5] opaque
  %c2.top = conv(%c2.top.read, %c2.top.weight) {strides=[1, 1], pads=[0, 1, 0, 1], dilations=[1, 1], group=1} -> f32[N,4,1,6]
  %c2.top.placed = pad(%c2.top) {before=[0, 0, 0, 0], after=[0, 0, 5, 0], value=0.0} -> f32[N,4,6,6]
  %c2.with_top = add(%c2.merged, %c2.top.placed) -> f32[N,4,6,6]
  %c2.bottom.read = slice(%x) {axes=[2], starts=[6], ends=[8], steps=[1]} -> f32[N,2,2,8]
  %c2.bottom.weight = const f32[4,2,2,5] opaque
  %c2.bottom = conv(%c2.bottom.read, %c2.bottom.weight) {strides=[1, 1], pads=[0, 1, 0, 1], dilations=[1, 1], group=1} -> f32[N,4,1,6]
  %c2.bottom.placed = pad(%c2.bottom) {before=[0, 0, 5, 0], after=[0, 0, 0, 0], value=0.0} -> f32[N,4,6,6]
  %c2.with_bottom = add(%c2.with_top, %c2.bottom.placed) -> f32[N,4,6,6]
  %c2.left.read = slice(%x) {axes=[3], starts=[0], ends=[2], steps=[1]} -> f32[N,2,8,2]
  %c2.left.weight = const f32[4,2,5,2] opaque
  %c2.left = conv(%c2.left.read, %c2.left.weight) {strides=[1, 1], pads=[1, 0, 1, 0], dilations=[1, 1], group=1} -> f32[N,4,6,1]
  %c2.left.placed = pad(%c2.left) {before=[0, 0, 0, 0], after=[0, 0, 0, 5], value=0.0} -> f32[N,4,6,6]
  %c2.with_left = add(%c2.with_bottom, %c2.left.placed) -> f32[N,4,6,6]
  %c2.right.read = slice(%x) {axes=[3], starts=[6], ends=[8], steps=[1]} -> f32[N,2,8,2]
  %c2.right.weight = const f32[4,2,5,2] opaque
  %c2.right = conv(%c2.right.read, %c2.right.weight) {strides=[1, 1], pads=[1, 0, 1, 0], dilations=[1, 1], group=1} -> f32[N,4,6,1]
  %c2.right.placed = pad(%c2.right) {before=[0, 0, 0, 5], after=[0, 0, 0, 0], value=0.0} -> f32[N,4,6,6]
  %c2.with_right = add(%c2.with_left, %c2.right.placed) -> f32[N,4,6,6]
  %c2.top_left.read = slice(%x) {axes=[2, 3], starts=[0, 0], ends=[2, 2], steps=[1, 1]} -> f32[N,2,2,2]
  %c2.top_left.weight = const f32[4,2,2,2] opaque
  %c2.top_left = conv(%c2.top_left.read, %c2.top_left.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,1,1]
  %c2.top_left.placed = pad(%c2.top_left) {before=[0, 0, 0, 0], after=[0, 0, 5, 5], value=0.0} -> f32[N,4,6,6]
  %c2.with_top_left = add(%c2.with_right, %c2.top_left.placed) -> f32[N,4,6,6]
  %c2.top_right.read = slice(%x) {axes=[2, 3], starts=[0, 6], ends=[2, 8], steps=[1, 1]} -> f32[N,2,2,2]
  %c2.top_right.weight = const f32[4,2,2,2] opaque
  %c2.top_right = conv(%c2.top_right.read, %c2.top_right.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,1,1]
  %c2.top_right.placed = pad(%c2.top_right) {before=[0, 0, 0, 5], after=[0, 0, 5, 0], value=0.0} -> f32[N,4,6,6]
  %c2.with_top_right = add(%c2.with_top_left, %c2.top_right.placed) -> f32[N,4,6,6]
  %c2.bottom_left.read = slice(%x) {axes=[2, 3], starts=[6, 0], ends=[8, 2], steps=[1, 1]} -> f32[N,2,2,2]
  %c2.bottom_left.weight = const f32[4,2,2,2] opaque
  %c2.bottom_left = conv(%c2.bottom_left.read, %c2.bottom_left.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,1,1]
  %c2.bottom_left.placed = pad(%c2.bottom_left) {before=[0, 0, 5, 0], after=[0, 0, 0, 5], value=0.0} -> f32[N,4,6,6]
  %c2.with_bottom_left = add(%c2.with_top_right, %c2.bottom_left.placed) -> f32[N,4,6,6]
  %c2.bottom_right.read = slice(%x) {axes=[2, 3], starts=[6, 6], ends=[8, 8], steps=[1, 1]} -> f32[N,2,2,2]
  %c2.bottom_right.weight = const f32[4,2,2,2] opaque
  %c2.bottom_right = conv(%c2.bottom_right.read, %c2.bottom_right.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,1,1]
  %c2.bottom_right.placed = pad(%c2.bottom_right) {before=[0, 0, 5, 5], after=[0, 0, 0, 0], value=0.0} -> f32[N,4,6,6]
  %c2.with_bottom_right = add(%c2.with_bottom_left, %c2.bottom_right.placed) -> f32[N,4,6,6]
  %c2.border_bias = const f32[4,6,6] opaque
  %c2 = add(%c2.with_bottom_right, %c2.border_bias) -> f32[N,4,6,6]
  output "y" = %c2
}
