# run: fold-scale-and-bias
# refused: its operand 'c' is also read elsewhere
graph shared_operand {
  %x = input f32[N,2,4,4]
  %w = const f32[2,2,1,1] rand(seed=1)
  %c = conv(%x, %w)
  %s = const f32[2,1,1] [1.5, -0.5]
  %m = mul(%c, %s)
  %y = add(%m, %c)
  output "y" = %y
}
# expect
graph shared_operand {
  %x = input f32[N,2,4,4]
  %w = const f32[2,2,1,1] [0.13312304, 0.49156344, 0.9420054, -0.11128163]
  %c = conv(%x, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %s = const f32[2,1,1] [1.5, -0.5]
  %m = mul(%c, %s) -> f32[N,2,4,4]
  %y = add(%m, %c) -> f32[N,2,4,4]
  output "y" = %y
}
