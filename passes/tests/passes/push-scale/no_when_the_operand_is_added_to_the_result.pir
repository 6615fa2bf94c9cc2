# run: push-scale
# refused: its operand and its result must have one scale
graph no_when_the_operand_is_added_to_the_result {
  %x = input f32[N,2,4,4]
  %w0 = const f32[2,2,1,1] rand(seed=1)
  %c = conv(%x, %w0)
  %s = const f32[2,1,1] [0.5, 2.0]
  %m = mul(%c, %s)
  %a = add(%m, %c)
  %w1 = const f32[1,2,1,1] rand(seed=2)
  %y = conv(%a, %w1)
  output "y" = %y
}
# expect
graph no_when_the_operand_is_added_to_the_result {
  %x = input f32[N,2,4,4]
  %w0 = const f32[2,2,1,1] [0.13312304, 0.49156344, 0.9420054, -0.11128163]
  %c = conv(%x, %w0) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,4,4]
  %s = const f32[2,1,1] [0.5, 2.0]
  %m = mul(%c, %s) -> f32[N,2,4,4]
  %a = add(%m, %c) -> f32[N,2,4,4]
  %w1 = const f32[1,2,1,1] [0.18237936, 0.49829936]
  %y = conv(%a, %w1) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,4,4]
  output "y" = %y
}
