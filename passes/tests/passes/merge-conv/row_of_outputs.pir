# run: merge-conv
# fold: always
graph row_of_outputs {
  %x = input f32[N,2,2,9]
  %w1 = const f32[3,2,3,3] rand(seed=1)
  %w2 = const f32[4,3,3,3] rand(seed=2)
  %b1 = const f32[3] rand(seed=3)
  %b2 = const f32[4] rand(seed=4)
  %c1 = conv(%x, %w1, %b1) {pads=[1,1,1,1]}
  %c2 = conv(%c1, %w2, %b2) {strides=[2,1], pads=[1,1,1,1]}
  output "y" = %c2
}
# expect
graph row_of_outputs {
  %x = input f32[N,2,2,9]
  %c2.merged.weight = const f32[4,2,2,5] opaque
  %c2.merged.bias = const f32[4] [-0.4594042, 0.005904395, 0.2573378, -2.1820745]
  %c2.merged = conv(%x, %c2.merged.weight, %c2.merged.bias) {strides=[1, 1], pads=[0, 2, 0, 2], dilations=[1, 1], group=1} -> f32[N,4,1,9]
  %c2.left.read = slice(%x) {axes=[3], starts=[0], ends=[1], steps=[1]} -> f32[N,2,2,1]
  %c2.left.weight = const f32[4,2,2,1] [-1.6886946, -0.8479512, 1.1751466, -0.12386392, -1.411031, 0.025665857, 1.1111581, 0.098520376, 0.27262875, 0.3075536, -0.9519344, 0.94051826, -0.6542401, -0.21906438, -0.72082895, 0.5713469]
  %c2.left = conv(%c2.left.read, %c2.left.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,1,1]
  %c2.left.placed = pad(%c2.left) {before=[0, 0, 0, 0], after=[0, 0, 0, 8], value=0.0} -> f32[N,4,1,9]
  %c2.with_left = add(%c2.merged, %c2.left.placed) -> f32[N,4,1,9]
  %c2.right.read = slice(%x) {axes=[3], starts=[8], ends=[9], steps=[1]} -> f32[N,2,2,1]
  %c2.right.weight = const f32[4,2,2,1] [0.96409595, 0.121266715, 0.445528, -0.37998414, -0.8095205, 0.5091503, -0.10736709, -0.7429152, 0.25865436, -0.31657594, -0.47680414, -0.8758397, 0.043931536, -1.8308996, -0.25537866, -0.07990752]
  %c2.right = conv(%c2.right.read, %c2.right.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,1,1]
  %c2.right.placed = pad(%c2.right) {before=[0, 0, 0, 8], after=[0, 0, 0, 0], value=0.0} -> f32[N,4,1,9]
  %c2.with_right = add(%c2.with_left, %c2.right.placed) -> f32[N,4,1,9]
  %c2.border_bias = const f32[4,1,9] opaque
  %c2 = add(%c2.with_right, %c2.border_bias) -> f32[N,4,1,9]
  output "y" = %c2
}
