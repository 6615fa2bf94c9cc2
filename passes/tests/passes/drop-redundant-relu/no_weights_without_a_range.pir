# run: drop-redundant-relu
; All weights are positive, but without a declared range nothing follows from weights, which training may change.
graph no_weights_without_a_range {
  %x = input f32[N,2,4,4]
  %r = relu(%x)
  %w = const f32[1,2,1,1] [1.0, 2.0]
  %c = conv(%r, %w)
  %y = relu(%c)
  output "y" = %y
}
# expect
graph no_weights_without_a_range {
  %x = input f32[N,2,4,4]
  %r = relu(%x) -> f32[N,2,4,4]
  %w = const f32[1,2,1,1] [1.0, 2.0]
  %c = conv(%r, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,4,4]
  %y = relu(%c) -> f32[N,1,4,4]
  output "y" = %y
}
