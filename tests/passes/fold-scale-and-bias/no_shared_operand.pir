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
