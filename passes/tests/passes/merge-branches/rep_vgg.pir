# run: merge-branches
# fold: always
graph rep_vgg {
  %x = input f32[N,2,5,5]
  %w3 = const f32[2,2,3,3] rand(seed=1)
  %b3 = const f32[2] rand(seed=2)
  %w1 = const f32[2,2,1,1] rand(seed=3)
  %b1 = const f32[2] [0.5, -0.5]
  %c3 = conv(%x, %w3, %b3) {pads=[1,1,1,1]}
  %c1 = conv(%x, %w1, %b1)
  %s = add(%c3, %c1)
  %y = add(%s, %x)
  output "y" = %y
}
# expect
graph rep_vgg {
  %x = input f32[N,2,5,5]
  %y.merged.weight = const f32[2,2,3,3] opaque
  %y.merged.bias = const f32[2] [0.68237936, -0.0017006397]
  %y = conv(%x, %y.merged.weight, %y.merged.bias) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,5,5]
  output "y" = %y
}
