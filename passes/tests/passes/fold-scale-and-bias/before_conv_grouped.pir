# run: fold-scale-and-bias
graph before_conv_grouped {
  %x = input f32[N,4,3,3]
  %s = const f32[4,1,1] [1.0, 2.0, 3.0, 4.0]
  %t = const f32[4,1,1] [0.5, -0.5, 0.25, 1.0]
  %m = mul(%x, %s)
  %a = add(%m, %t)
  %w = const f32[4,2,3,3] rand(seed=1)
  %y = conv(%a, %w) {group=2}
  output "y" = %y
}
# expect
graph before_conv_grouped {
  %x = input f32[N,4,3,3]
  %w.folded.1 = const f32[4,2,3,3] opaque
  %y.bias.folded = const f32[4] [0.7685272, -1.3761752, 1.4627557, -2.5027065]
  %y = conv(%x, %w.folded.1, %y.bias.folded) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=2} -> f32[N,4,1,1]
  output "y" = %y
}
