# run: push-scale
; The convolution's result is read twice, so the normalisation cannot fold into it; its scale goes to the readers.
graph pre_activation {
  %x = input f32[N,3,6,6]
  %w0 = const f32[2,3,3,3] rand(seed=1)
  %c0 = conv(%x, %w0) {pads=[1,1,1,1]}
  %s = const f32[2,1,1] [0.5, 4.0]
  %t = const f32[2,1,1] [1.0, -2.0]
  %m = mul(%c0, %s)
  %a = add(%m, %t)
  %r = relu(%a) @relu00
  %w1 = const f32[2,2,3,3] rand(seed=2)
  %b1 = const f32[2] [0.25, -0.25]
  %c1 = conv(%r, %w1, %b1) {pads=[1,1,1,1]}
  %w2 = const f32[2,2,1,1] rand(seed=3)
  %c2 = conv(%r, %w2)
  %y = add(%c1, %c2)
  %z = add(%y, %c0)
  output "z" = %z
}
# expect
graph pre_activation {
  %x = input f32[N,3,6,6]
  %w0 = const f32[2,3,3,3] opaque
  %c0 = conv(%x, %w0) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,6,6]
  %b1 = const f32[2] [0.25, -0.25]
  %t.scaled = const f32[2,1,1] [2.0, -0.5]
  %a = add(%c0, %t.scaled) -> f32[N,2,6,6]
  %r = relu(%a) @relu00 -> f32[N,2,6,6]
  %w1.scaled = const f32[2,2,3,3] opaque
  %c1 = conv(%r, %w1.scaled, %b1) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,6,6]
  %w2.scaled = const f32[2,2,1,1] [-0.3865497, 1.6023479, 0.11297464, -3.4170666]
  %c2 = conv(%r, %w2.scaled) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,6,6]
  %y = add(%c1, %c2) -> f32[N,2,6,6]
  %z = add(%y, %c0) -> f32[N,2,6,6]
  output "z" = %z
}
