# run: fold-scale-and-bias
; Over axis 1 of [N,3,4]; the linear layer's outputs are axis 2.
graph linear_of_tokens {
  %x = input f32[N,3,4]
  %w = const f32[3,4] rand(seed=1)
  %l = linear(%x, %w)
  %s = const f32[3,1] [1.5, -0.5, 2.0]
  %y = mul(%l, %s)
  output "y" = %y
}
# expect
