# run: merge-conv merge-branches
# fold: always
; The correction of the border stays beside it.
graph corrected_block {
  %x = input f32[N,2,6,6]
  %w = const f32[2,2,3,3] rand(seed=1)
  %b = const f32[2] rand(seed=2)
  %c = conv(%x, %w, %b) {pads=[1,1,1,1]}
  %d = conv(%c, %w, %b) {pads=[1,1,1,1]}
  %y = add(%d, %x)
  output "y" = %y
}
# expect
graph corrected_block {
  %x = input f32[N,2,6,6]
  %y.merged.weight = const f32[2,2,5,5] opaque
  %y.merged.bias = const f32[2] [0.94226, 0.07651222]
  %y.merged = conv(%x, %y.merged.weight, %y.merged.bias) {strides=[1, 1], pads=[2, 2, 2, 2], dilations=[1, 1], group=1} -> f32[N,2,6,6]
  %d.top.read = slice(%x) {axes=[2], starts=[0], ends=[1], steps=[1]} -> f32[N,2,1,6]
  %d.top.weight = const f32[2,2,1,5] opaque
  %d.top = conv(%d.top.read, %d.top.weight) {strides=[1, 1], pads=[0, 2, 0, 2], dilations=[1, 1], group=1} -> f32[N,2,1,6]
  %d.top.placed = pad(%d.top) {before=[0, 0, 0, 0], after=[0, 0, 5, 0], value=0.0} -> f32[N,2,6,6]
  %y.sum = add(%y.merged, %d.top.placed) -> f32[N,2,6,6]
  %d.bottom.read = slice(%x) {axes=[2], starts=[5], ends=[6], steps=[1]} -> f32[N,2,1,6]
  %d.bottom.weight = const f32[2,2,1,5] opaque
  %d.bottom = conv(%d.bottom.read, %d.bottom.weight) {strides=[1, 1], pads=[0, 2, 0, 2], dilations=[1, 1], group=1} -> f32[N,2,1,6]
  %d.bottom.placed = pad(%d.bottom) {before=[0, 0, 5, 0], after=[0, 0, 0, 0], value=0.0} -> f32[N,2,6,6]
  %d.left.read = slice(%x) {axes=[3], starts=[0], ends=[1], steps=[1]} -> f32[N,2,6,1]
  %d.left.weight = const f32[2,2,5,1] opaque
  %d.left = conv(%d.left.read, %d.left.weight) {strides=[1, 1], pads=[2, 0, 2, 0], dilations=[1, 1], group=1} -> f32[N,2,6,1]
  %d.left.placed = pad(%d.left) {before=[0, 0, 0, 0], after=[0, 0, 0, 5], value=0.0} -> f32[N,2,6,6]
  %d.right.read = slice(%x) {axes=[3], starts=[5], ends=[6], steps=[1]} -> f32[N,2,6,1]
  %d.right.weight = const f32[2,2,5,1] opaque
  %d.right = conv(%d.right.read, %d.right.weight) {strides=[1, 1], pads=[2, 0, 2, 0], dilations=[1, 1], group=1} -> f32[N,2,6,1]
  %d.right.placed = pad(%d.right) {before=[0, 0, 0, 5], after=[0, 0, 0, 0], value=0.0} -> f32[N,2,6,6]
  %d.top_left.read = slice(%x) {axes=[2, 3], starts=[0, 0], ends=[1, 1], steps=[1, 1]} -> f32[N,2,1,1]
  %d.top_left.weight = const f32[2,2,1,1] [-0.038856346, 0.11895511, -0.1426258, 0.25464803]
  %d.top_left = conv(%d.top_left.read, %d.top_left.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,1,1]
  %d.top_left.placed = pad(%d.top_left) {before=[0, 0, 0, 0], after=[0, 0, 5, 5], value=0.0} -> f32[N,2,6,6]
  %d.top_right.read = slice(%x) {axes=[2, 3], starts=[0, 5], ends=[1, 6], steps=[1, 1]} -> f32[N,2,1,1]
  %d.top_right.weight = const f32[2,2,1,1] [0.6210734, -0.65303785, -1.0793952, 0.4566034]
  %d.top_right = conv(%d.top_right.read, %d.top_right.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,1,1]
  %d.top_right.placed = pad(%d.top_right) {before=[0, 0, 0, 5], after=[0, 0, 5, 0], value=0.0} -> f32[N,2,6,6]
  %d.bottom_left.read = slice(%x) {axes=[2, 3], starts=[5, 0], ends=[6, 1], steps=[1, 1]} -> f32[N,2,1,1]
  %d.bottom_left.weight = const f32[2,2,1,1] [1.2890092, -0.5038096, -0.2955326, -0.21133246]
  %d.bottom_left = conv(%d.bottom_left.read, %d.bottom_left.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,1,1]
  %d.bottom_left.placed = pad(%d.bottom_left) {before=[0, 0, 5, 0], after=[0, 0, 0, 5], value=0.0} -> f32[N,2,6,6]
  %d.bottom_right.read = slice(%x) {axes=[2, 3], starts=[5, 5], ends=[6, 6], steps=[1, 1]} -> f32[N,2,1,1]
  %d.bottom_right.weight = const f32[2,2,1,1] [0.1720955, 0.017411968, 0.025760353, 0.04369617]
  %d.bottom_right = conv(%d.bottom_right.read, %d.bottom_right.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,1,1]
  %d.bottom_right.placed = pad(%d.bottom_right) {before=[0, 0, 5, 5], after=[0, 0, 0, 0], value=0.0} -> f32[N,2,6,6]
  %d.border_bias = const f32[2,6,6] opaque
  %y.sum.1 = add(%y.sum, %d.bottom.placed) -> f32[N,2,6,6]
  %y.sum.2 = add(%y.sum.1, %d.left.placed) -> f32[N,2,6,6]
  %y.sum.3 = add(%y.sum.2, %d.right.placed) -> f32[N,2,6,6]
  %y.sum.4 = add(%y.sum.3, %d.top_left.placed) -> f32[N,2,6,6]
  %y.sum.5 = add(%y.sum.4, %d.top_right.placed) -> f32[N,2,6,6]
  %y.sum.6 = add(%y.sum.5, %d.bottom_left.placed) -> f32[N,2,6,6]
  %y.sum.7 = add(%y.sum.6, %d.bottom_right.placed) -> f32[N,2,6,6]
  %y = add(%y.sum.7, %d.border_bias) -> f32[N,2,6,6]
  output "y" = %y
}
