# run: merge-conv
# fold: always
graph padded_after_strided {
  %x = input f32[N,2,12,12]
  %w1 = const f32[3,2,3,3] rand(seed=1)
  %w2 = const f32[4,3,3,3] rand(seed=2)
  %b1 = const f32[3] rand(seed=3)
  %b2 = const f32[4] rand(seed=4)
  %c1 = conv(%x, %w1, %b1) {strides=[2,2], pads=[1,1,1,1]}
  %c2 = conv(%c1, %w2, %b2) {pads=[1,1,1,1]}
  output "y" = %c2
}
# expect
graph padded_after_strided {
  %x = input f32[N,2,12,12]
  %c2.merged.weight = const f32[4,2,7,7] opaque
  %c2.merged.bias = const f32[4] [-1.5199109, 0.9831043, 0.20988187, -0.4603676]
  %c2.merged = conv(%x, %c2.merged.weight, %c2.merged.bias) {strides=[2, 2], pads=[3, 3, 3, 3], dilations=[1, 1], group=1} -> f32[N,4,6,6]
  %c2.bottom.read = slice(%x) {axes=[2], starts=[11], ends=[12], steps=[1]} -> f32[N,2,1,12]
  %c2.bottom.weight = const f32[4,2,1,7] opaque
  %c2.bottom = conv(%c2.bottom.read, %c2.bottom.weight) {strides=[1, 2], pads=[0, 3, 0, 3], dilations=[1, 1], group=1} -> f32[N,4,1,6]
  %c2.bottom.placed = pad(%c2.bottom) {before=[0, 0, 5, 0], after=[0, 0, 0, 0], value=0.0} -> f32[N,4,6,6]
  %c2.with_bottom = add(%c2.merged, %c2.bottom.placed) -> f32[N,4,6,6]
  %c2.right.read = slice(%x) {axes=[3], starts=[11], ends=[12], steps=[1]} -> f32[N,2,12,1]
  %c2.right.weight = const f32[4,2,7,1] opaque
  %c2.right = conv(%c2.right.read, %c2.right.weight) {strides=[2, 1], pads=[3, 0, 3, 0], dilations=[1, 1], group=1} -> f32[N,4,6,1]
  %c2.right.placed = pad(%c2.right) {before=[0, 0, 0, 5], after=[0, 0, 0, 0], value=0.0} -> f32[N,4,6,6]
  %c2.with_right = add(%c2.with_bottom, %c2.right.placed) -> f32[N,4,6,6]
  %c2.bottom_right.read = slice(%x) {axes=[2, 3], starts=[11, 11], ends=[12, 12], steps=[1, 1]} -> f32[N,2,1,1]
  %c2.bottom_right.weight = const f32[4,2,1,1] [-0.16074933, -0.3754696, 0.22253902, 0.24039838, -0.11168685, 0.58196676, -0.08948719, 0.7070066]
  %c2.bottom_right = conv(%c2.bottom_right.read, %c2.bottom_right.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,1,1]
  %c2.bottom_right.placed = pad(%c2.bottom_right) {before=[0, 0, 5, 5], after=[0, 0, 0, 0], value=0.0} -> f32[N,4,6,6]
  %c2.with_bottom_right = add(%c2.with_right, %c2.bottom_right.placed) -> f32[N,4,6,6]
  %c2.border_bias = const f32[4,6,6] opaque
  %c2 = add(%c2.with_bottom_right, %c2.border_bias) -> f32[N,4,6,6]
  output "y" = %c2
}
