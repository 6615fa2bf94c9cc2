# run: push-constant
; A convolution, a projection, and the convolution on the other side of a sum.
graph into_all_readers {
  %x = input f32[N,2,4,4]
  %k = const f32[2,1,1] [0.5, -1.0]
  %s = mul(%x, %x) @relu00
  %a = add(%s, %k) @relu00
  %w = const f32[2,2,3,3] rand(seed=1)
  %c = conv(%x, %w) {pads=[1, 1, 1, 1]}
  %t = add(%a, %c)
  %p = const f32[3,2,1,1] rand(seed=2)
  %q = conv(%a, %p) {strides=[2, 2]}
  output "t" = %t
  output "q" = %q
}
# expect
graph into_all_readers {
  %x = input f32[N,2,4,4]
  %s = mul(%x, %x) @relu00 -> f32[N,2,4,4]
  %w = const f32[2,2,3,3] opaque
  %p = const f32[3,2,1,1] [0.18237936, 0.49829936, 0.19127607, 0.53083825, -0.3768227, -0.30675554]
  %c.bias = const f32[2] [0.5, -1.0]
  %c.1 = conv(%x, %w, %c.bias) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %t = add(%s, %c.1) -> f32[N,2,4,4]
  %q.bias = const f32[3] [-0.40710968, -0.4352002, 0.11834419]
  %q = conv(%s, %p, %q.bias) {strides=[2, 2], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,3,2,2]
  output "t" = %t
  output "q" = %q
}
