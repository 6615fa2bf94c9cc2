# run: fold-scale-and-bias
graph scalar {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %c = conv(%x, %w)
  %s = const f32[] [0.5]
  %m = mul(%s, %c)
  %t = const f32[1,1] [0.25]
  %y = add(%m, %t)
  output "y" = %y
}
# expect
graph scalar {
  %x = input f32[N,2,4,4]
  %y.bias = const f32[3] splat(0.25)
  %w.folded.1 = const f32[3,2,3,3] opaque
  %y = conv(%x, %w.folded.1, %y.bias) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,3,2,2]
  output "y" = %y
}
