# run: merge-conv
# fold: always
graph asymmetric_pads {
  %x = input f32[N,2,9,8]
  %w1 = const f32[3,2,3,2] rand(seed=1)
  %w2 = const f32[4,3,2,3] rand(seed=2)
  %b1 = const f32[3] rand(seed=3)
  %b2 = const f32[4] rand(seed=4)
  %c1 = conv(%x, %w1, %b1) {pads=[0,1,2,0]}
  %c2 = conv(%c1, %w2, %b2) {pads=[1,0,0,2]}
  output "y" = %c2
}
# expect
graph asymmetric_pads {
  %x = input f32[N,2,9,8]
  %c2.merged.weight = const f32[4,2,4,4] opaque
  %c2.merged.bias = const f32[4] [-0.6838073, 2.7564092, 2.253381, 0.8685871]
  %c2.merged = conv(%x, %c2.merged.weight, %c2.merged.bias) {strides=[1, 1], pads=[1, 1, 2, 2], dilations=[1, 1], group=1} -> f32[N,4,9,8]
  %c2.top.read = slice(%x) {axes=[2], starts=[0], ends=[2], steps=[1]} -> f32[N,2,2,8]
  %c2.top.weight = const f32[4,2,2,4] opaque
  %c2.top = conv(%c2.top.read, %c2.top.weight) {strides=[1, 1], pads=[0, 1, 0, 2], dilations=[1, 1], group=1} -> f32[N,4,1,8]
  %c2.top.placed = pad(%c2.top) {before=[0, 0, 0, 0], after=[0, 0, 8, 0], value=0.0} -> f32[N,4,9,8]
  %c2.with_top = add(%c2.merged, %c2.top.placed) -> f32[N,4,9,8]
  %c2.right.read = slice(%x) {axes=[3], starts=[7], ends=[8], steps=[1]} -> f32[N,2,9,1]
  %c2.right.weight = const f32[8,2,4,1] opaque
  %c2.right = conv(%c2.right.read, %c2.right.weight) {strides=[1, 1], pads=[1, 0, 2, 0], dilations=[1, 1], group=1} -> f32[N,8,9,1]
  %c2.right.split = reshape(%c2.right) {dims=[N, 4, 2, 9]} -> f32[N,4,2,9]
  %c2.right.turned = transpose(%c2.right.split) {perm=[0, 1, 3, 2]} -> f32[N,4,9,2]
  %c2.right.placed = pad(%c2.right.turned) {before=[0, 0, 0, 6], after=[0, 0, 0, 0], value=0.0} -> f32[N,4,9,8]
  %c2.with_right = add(%c2.with_top, %c2.right.placed) -> f32[N,4,9,8]
  %c2.top_right.read = slice(%x) {axes=[2, 3], starts=[0, 7], ends=[2, 8], steps=[1, 1]} -> f32[N,2,2,1]
  %c2.top_right.weight = const f32[8,2,2,1] opaque
  %c2.top_right = conv(%c2.top_right.read, %c2.top_right.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,8,1,1]
  %c2.top_right.split = reshape(%c2.top_right) {dims=[N, 4, 1, 2]} -> f32[N,4,1,2]
  %c2.top_right.placed = pad(%c2.top_right.split) {before=[0, 0, 0, 6], after=[0, 0, 8, 0], value=0.0} -> f32[N,4,9,8]
  %c2.with_top_right = add(%c2.with_right, %c2.top_right.placed) -> f32[N,4,9,8]
  %c2.border_bias = const f32[4,9,8] opaque
  %c2 = add(%c2.with_top_right, %c2.border_bias) -> f32[N,4,9,8]
  output "y" = %c2
}
