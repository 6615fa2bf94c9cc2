# run: merge-conv
# fold: always
graph grouped {
  %x = input f32[N,4,6,6]
  %w1 = const f32[4,2,3,3] rand(seed=1)
  %w2 = const f32[8,2,3,3] rand(seed=2)
  %b1 = const f32[4] rand(seed=3)
  %b2 = const f32[8] rand(seed=4)
  %c1 = conv(%x, %w1, %b1) {group=2}
  %c2 = conv(%c1, %w2, %b2) {group=2, pads=[1,1,1,1]}
  output "y" = %c2
}
# expect
graph grouped {
  %x = input f32[N,4,6,6]
  %c2.merged.weight = const f32[8,2,5,5] opaque
  %c2.merged.bias = const f32[8] [-1.3197185, 1.2654675, 2.145493, -0.8719248, -0.6987616, -1.88626, 1.2973053, -0.8356704]
  %c2.merged = conv(%x, %c2.merged.weight, %c2.merged.bias) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=2} -> f32[N,8,4,4]
  %c2.top.read = slice(%x) {axes=[2], starts=[0], ends=[2], steps=[1]} -> f32[N,4,2,6]
  %c2.top.weight = const f32[8,2,2,5] opaque
  %c2.top = conv(%c2.top.read, %c2.top.weight) {strides=[1, 1], pads=[0, 1, 0, 1], dilations=[1, 1], group=2} -> f32[N,8,1,4]
  %c2.top.placed = pad(%c2.top) {before=[0, 0, 0, 0], after=[0, 0, 3, 0], value=0.0} -> f32[N,8,4,4]
  %c2.with_top = add(%c2.merged, %c2.top.placed) -> f32[N,8,4,4]
  %c2.bottom.read = slice(%x) {axes=[2], starts=[4], ends=[6], steps=[1]} -> f32[N,4,2,6]
  %c2.bottom.weight = const f32[8,2,2,5] opaque
  %c2.bottom = conv(%c2.bottom.read, %c2.bottom.weight) {strides=[1, 1], pads=[0, 1, 0, 1], dilations=[1, 1], group=2} -> f32[N,8,1,4]
  %c2.bottom.placed = pad(%c2.bottom) {before=[0, 0, 3, 0], after=[0, 0, 0, 0], value=0.0} -> f32[N,8,4,4]
  %c2.with_bottom = add(%c2.with_top, %c2.bottom.placed) -> f32[N,8,4,4]
  %c2.left.read = slice(%x) {axes=[3], starts=[0], ends=[2], steps=[1]} -> f32[N,4,6,2]
  %c2.left.weight = const f32[8,2,5,2] opaque
  %c2.left = conv(%c2.left.read, %c2.left.weight) {strides=[1, 1], pads=[1, 0, 1, 0], dilations=[1, 1], group=2} -> f32[N,8,4,1]
  %c2.left.placed = pad(%c2.left) {before=[0, 0, 0, 0], after=[0, 0, 0, 3], value=0.0} -> f32[N,8,4,4]
  %c2.with_left = add(%c2.with_bottom, %c2.left.placed) -> f32[N,8,4,4]
  %c2.right.read = slice(%x) {axes=[3], starts=[4], ends=[6], steps=[1]} -> f32[N,4,6,2]
  %c2.right.weight = const f32[8,2,5,2] opaque
  %c2.right = conv(%c2.right.read, %c2.right.weight) {strides=[1, 1], pads=[1, 0, 1, 0], dilations=[1, 1], group=2} -> f32[N,8,4,1]
  %c2.right.placed = pad(%c2.right) {before=[0, 0, 0, 3], after=[0, 0, 0, 0], value=0.0} -> f32[N,8,4,4]
  %c2.with_right = add(%c2.with_left, %c2.right.placed) -> f32[N,8,4,4]
  %c2.top_left.read = slice(%x) {axes=[2, 3], starts=[0, 0], ends=[2, 2], steps=[1, 1]} -> f32[N,4,2,2]
  %c2.top_left.weight = const f32[8,2,2,2] opaque
  %c2.top_left = conv(%c2.top_left.read, %c2.top_left.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=2} -> f32[N,8,1,1]
  %c2.top_left.placed = pad(%c2.top_left) {before=[0, 0, 0, 0], after=[0, 0, 3, 3], value=0.0} -> f32[N,8,4,4]
  %c2.with_top_left = add(%c2.with_right, %c2.top_left.placed) -> f32[N,8,4,4]
  %c2.top_right.read = slice(%x) {axes=[2, 3], starts=[0, 4], ends=[2, 6], steps=[1, 1]} -> f32[N,4,2,2]
  %c2.top_right.weight = const f32[8,2,2,2] opaque
  %c2.top_right = conv(%c2.top_right.read, %c2.top_right.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=2} -> f32[N,8,1,1]
  %c2.top_right.placed = pad(%c2.top_right) {before=[0, 0, 0, 3], after=[0, 0, 3, 0], value=0.0} -> f32[N,8,4,4]
  %c2.with_top_right = add(%c2.with_top_left, %c2.top_right.placed) -> f32[N,8,4,4]
  %c2.bottom_left.read = slice(%x) {axes=[2, 3], starts=[4, 0], ends=[6, 2], steps=[1, 1]} -> f32[N,4,2,2]
  %c2.bottom_left.weight = const f32[8,2,2,2] opaque
  %c2.bottom_left = conv(%c2.bottom_left.read, %c2.bottom_left.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=2} -> f32[N,8,1,1]
  %c2.bottom_left.placed = pad(%c2.bottom_left) {before=[0, 0, 3, 0], after=[0, 0, 0, 3], value=0.0} -> f32[N,8,4,4]
  %c2.with_bottom_left = add(%c2.with_top_right, %c2.bottom_left.placed) -> f32[N,8,4,4]
  %c2.bottom_right.read = slice(%x) {axes=[2, 3], starts=[4, 4], ends=[6, 6], steps=[1, 1]} -> f32[N,4,2,2]
  %c2.bottom_right.weight = const f32[8,2,2,2] opaque
  %c2.bottom_right = conv(%c2.bottom_right.read, %c2.bottom_right.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=2} -> f32[N,8,1,1]
  %c2.bottom_right.placed = pad(%c2.bottom_right) {before=[0, 0, 3, 3], after=[0, 0, 0, 0], value=0.0} -> f32[N,8,4,4]
  %c2.with_bottom_right = add(%c2.with_bottom_left, %c2.bottom_right.placed) -> f32[N,8,4,4]
  %c2.border_bias = const f32[8,4,4] opaque
  %c2 = add(%c2.with_bottom_right, %c2.border_bias) -> f32[N,8,4,4]
  output "y" = %c2
}
