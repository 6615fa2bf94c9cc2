# run: canonicalise
; TensorFlow's Dense.
graph matmul_add {
  %x = input f32[N,4]
  %w = const f32[4,3] rand(seed=1)
  %b = const f32[3] rand(seed=2)
  %m = matmul(%x, %w)
  %y = add(%m, %b)
  output "y" = %y
}
# expect
