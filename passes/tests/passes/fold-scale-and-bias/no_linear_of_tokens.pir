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
graph linear_of_tokens {
  %x = input f32[N,3,4]
  %w = const f32[3,4] [0.13312304, 0.49156344, 0.9420054, -0.11128163, -0.1114707, 0.52578866, 0.7546973, 0.046134353, -0.42898273, 0.58799314, -0.19171572, 0.2108407]
  %l = linear(%x, %w) -> f32[N,3,3]
  %s = const f32[3,1] [1.5, -0.5, 2.0]
  %y = mul(%l, %s) -> f32[N,3,3]
  output "y" = %y
}
