# run: merge-conv
# fold: always
; Two rows and columns of the result at each side.
graph wide_ring {
  %x = input f32[N,2,10,10]
  %w1 = const f32[2,2,3,3] rand(seed=1)
  %w2 = const f32[2,2,5,5] rand(seed=2)
  %b1 = const f32[2] rand(seed=3)
  %b2 = const f32[2] rand(seed=4)
  %c1 = conv(%x, %w1, %b1) {pads=[1,1,1,1]}
  %c2 = conv(%c1, %w2, %b2) {pads=[2,2,2,2]}
  output "y" = %c2
}
# expect
graph wide_ring {
  %x = input f32[N,2,10,10]
  %c2.merged.weight = const f32[2,2,7,7] opaque
  %c2.merged.bias = const f32[2] [0.55723166, 1.4678742]
  %c2.merged = conv(%x, %c2.merged.weight, %c2.merged.bias) {strides=[1, 1], pads=[3, 3, 3, 3], dilations=[1, 1], group=1} -> f32[N,2,10,10]
  %c2.top.read = slice(%x) {axes=[2], starts=[0], ends=[1], steps=[1]} -> f32[N,2,1,10]
  %c2.top.weight = const f32[4,2,1,7] opaque
  %c2.top = conv(%c2.top.read, %c2.top.weight) {strides=[1, 1], pads=[0, 3, 0, 3], dilations=[1, 1], group=1} -> f32[N,4,1,10]
  %c2.top.split = reshape(%c2.top) {dims=[N, 2, 2, 10]} -> f32[N,2,2,10]
  %c2.top.placed = pad(%c2.top.split) {before=[0, 0, 0, 0], after=[0, 0, 8, 0], value=0.0} -> f32[N,2,10,10]
  %c2.with_top = add(%c2.merged, %c2.top.placed) -> f32[N,2,10,10]
  %c2.bottom.read = slice(%x) {axes=[2], starts=[9], ends=[10], steps=[1]} -> f32[N,2,1,10]
  %c2.bottom.weight = const f32[4,2,1,7] opaque
  %c2.bottom = conv(%c2.bottom.read, %c2.bottom.weight) {strides=[1, 1], pads=[0, 3, 0, 3], dilations=[1, 1], group=1} -> f32[N,4,1,10]
  %c2.bottom.split = reshape(%c2.bottom) {dims=[N, 2, 2, 10]} -> f32[N,2,2,10]
  %c2.bottom.placed = pad(%c2.bottom.split) {before=[0, 0, 8, 0], after=[0, 0, 0, 0], value=0.0} -> f32[N,2,10,10]
  %c2.with_bottom = add(%c2.with_top, %c2.bottom.placed) -> f32[N,2,10,10]
  %c2.left.read = slice(%x) {axes=[3], starts=[0], ends=[1], steps=[1]} -> f32[N,2,10,1]
  %c2.left.weight = const f32[4,2,7,1] opaque
  %c2.left = conv(%c2.left.read, %c2.left.weight) {strides=[1, 1], pads=[3, 0, 3, 0], dilations=[1, 1], group=1} -> f32[N,4,10,1]
  %c2.left.split = reshape(%c2.left) {dims=[N, 2, 2, 10]} -> f32[N,2,2,10]
  %c2.left.turned = transpose(%c2.left.split) {perm=[0, 1, 3, 2]} -> f32[N,2,10,2]
  %c2.left.placed = pad(%c2.left.turned) {before=[0, 0, 0, 0], after=[0, 0, 0, 8], value=0.0} -> f32[N,2,10,10]
  %c2.with_left = add(%c2.with_bottom, %c2.left.placed) -> f32[N,2,10,10]
  %c2.right.read = slice(%x) {axes=[3], starts=[9], ends=[10], steps=[1]} -> f32[N,2,10,1]
  %c2.right.weight = const f32[4,2,7,1] opaque
  %c2.right = conv(%c2.right.read, %c2.right.weight) {strides=[1, 1], pads=[3, 0, 3, 0], dilations=[1, 1], group=1} -> f32[N,4,10,1]
  %c2.right.split = reshape(%c2.right) {dims=[N, 2, 2, 10]} -> f32[N,2,2,10]
  %c2.right.turned = transpose(%c2.right.split) {perm=[0, 1, 3, 2]} -> f32[N,2,10,2]
  %c2.right.placed = pad(%c2.right.turned) {before=[0, 0, 0, 8], after=[0, 0, 0, 0], value=0.0} -> f32[N,2,10,10]
  %c2.with_right = add(%c2.with_left, %c2.right.placed) -> f32[N,2,10,10]
  %c2.top_left.read = slice(%x) {axes=[2, 3], starts=[0, 0], ends=[1, 1], steps=[1, 1]} -> f32[N,2,1,1]
  %c2.top_left.weight = const f32[8,2,1,1] [-0.18778244, 0.2978346, 0.15438464, -0.14977062, -0.2121952, 0.31728172, -0.06332332, 0.14362311, -0.09042756, 0.105592996, 0.24990112, -0.30162764, -0.22038089, 0.30874678, 0.0071090083, -0.07018082]
  %c2.top_left = conv(%c2.top_left.read, %c2.top_left.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,8,1,1]
  %c2.top_left.split = reshape(%c2.top_left) {dims=[N, 2, 2, 2]} -> f32[N,2,2,2]
  %c2.top_left.placed = pad(%c2.top_left.split) {before=[0, 0, 0, 0], after=[0, 0, 8, 8], value=0.0} -> f32[N,2,10,10]
  %c2.with_top_left = add(%c2.with_right, %c2.top_left.placed) -> f32[N,2,10,10]
  %c2.top_right.read = slice(%x) {axes=[2, 3], starts=[0, 9], ends=[1, 10], steps=[1, 1]} -> f32[N,2,1,1]
  %c2.top_right.weight = const f32[8,2,1,1] [0.01663158, -0.39676204, -0.24297513, 0.37088898, -0.114670746, 0.29953212, 0.81686157, -0.2343201, -0.33336496, 0.4884593, 0.21521647, 0.23394957, -0.07041891, -0.19604954, 0.10115475, -0.13797407]
  %c2.top_right = conv(%c2.top_right.read, %c2.top_right.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,8,1,1]
  %c2.top_right.split = reshape(%c2.top_right) {dims=[N, 2, 2, 2]} -> f32[N,2,2,2]
  %c2.top_right.placed = pad(%c2.top_right.split) {before=[0, 0, 0, 8], after=[0, 0, 8, 0], value=0.0} -> f32[N,2,10,10]
  %c2.with_top_right = add(%c2.with_top_left, %c2.top_right.placed) -> f32[N,2,10,10]
  %c2.bottom_left.read = slice(%x) {axes=[2, 3], starts=[9, 0], ends=[10, 1], steps=[1, 1]} -> f32[N,2,1,1]
  %c2.bottom_left.weight = const f32[8,2,1,1] [-0.78107125, 0.9665002, -0.7404144, -0.31755912, 0.010043296, -0.7858378, -1.0676426, 0.45843875, -0.8301263, -0.026055789, -0.18863277, -0.43806365, -0.4434217, 0.7597953, 0.52823025, -0.30801484]
  %c2.bottom_left = conv(%c2.bottom_left.read, %c2.bottom_left.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,8,1,1]
  %c2.bottom_left.split = reshape(%c2.bottom_left) {dims=[N, 2, 2, 2]} -> f32[N,2,2,2]
  %c2.bottom_left.placed = pad(%c2.bottom_left.split) {before=[0, 0, 8, 0], after=[0, 0, 0, 8], value=0.0} -> f32[N,2,10,10]
  %c2.with_bottom_left = add(%c2.with_top_right, %c2.bottom_left.placed) -> f32[N,2,10,10]
  %c2.bottom_right.read = slice(%x) {axes=[2, 3], starts=[9, 9], ends=[10, 10], steps=[1, 1]} -> f32[N,2,1,1]
  %c2.bottom_right.weight = const f32[8,2,1,1] [0.14688197, 0.5318767, -0.281106, -0.4767876, 0.16909239, -0.051103797, 0.096926704, 0.008624895, 0.08513696, 0.2677595, -0.16248581, 0.16178353, 0.04975447, 0.33117047, -0.1744195, -0.13488685]
  %c2.bottom_right = conv(%c2.bottom_right.read, %c2.bottom_right.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,8,1,1]
  %c2.bottom_right.split = reshape(%c2.bottom_right) {dims=[N, 2, 2, 2]} -> f32[N,2,2,2]
  %c2.bottom_right.placed = pad(%c2.bottom_right.split) {before=[0, 0, 8, 8], after=[0, 0, 0, 0], value=0.0} -> f32[N,2,10,10]
  %c2.with_bottom_right = add(%c2.with_bottom_left, %c2.bottom_right.placed) -> f32[N,2,10,10]
  %c2.border_bias = const f32[2,10,10] opaque
  %c2 = add(%c2.with_bottom_right, %c2.border_bias) -> f32[N,2,10,10]
  output "y" = %c2
}
