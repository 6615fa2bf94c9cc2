# run: merge-conv merge-branches
# fold: always
; A residual block without ReLUs becomes one convolution.
graph whole_block {
  %x = input f32[N,2,6,6]
  %w = const f32[2,2,3,3] rand(seed=1)
  %b = const f32[2] rand(seed=2)
  %c = conv(%x, %w, %b) {pads=[2,2,2,2]}
  %d = conv(%c, %w, %b)
  %y = add(%d, %x)
  output "y" = %y
}
# expect
graph whole_block {
  %x = input f32[N,2,6,6]
  %y.merged.weight = const f32[2,2,5,5] opaque
  %y.merged.bias = const f32[2] [0.94226, 0.07651222]
  %y = conv(%x, %y.merged.weight, %y.merged.bias) {strides=[1, 1], pads=[2, 2, 2, 2], dilations=[1, 1], group=1} -> f32[N,2,6,6]
  output "y" = %y
}
