# run: push-constant
; At the border the convolution saw zeros and not k: its bias becomes a map.
graph into_a_padded_conv {
  %x = input f32[N,2,4,5]
  %k = const f32[2,1,1] [0.5, -1.0]
  %s = mul(%x, %x) @relu00
  %a = add(%s, %k) @relu00
  %w = const f32[3,2,3,3] rand(seed=1)
  %b = const f32[3] [0.5, -0.25, 1.0]
  %y = conv(%a, %w, %b) {pads=[1, 1, 1, 1], strides=[2, 1]}
  output "y" = %y
}
# expect
graph into_a_padded_conv {
  %x = input f32[N,2,4,5]
  %s = mul(%x, %x) @relu00 -> f32[N,2,4,5]
  %w = const f32[3,2,3,3] opaque
  %y.unbiased = conv(%s, %w) {strides=[2, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,3,2,5]
  %y.border_bias = const f32[3,2,5] opaque
  %y = add(%y.unbiased, %y.border_bias) -> f32[N,3,2,5]
  output "y" = %y
}
