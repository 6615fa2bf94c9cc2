# run: canonicalise
; The product is read without the bias, too, so the addition stays.
graph matmul_read_twice {
  %x = input f32[N,4]
  %w = const f32[4,3] rand(seed=1)
  %b = const f32[3] rand(seed=2)
  %m = matmul(%x, %w)
  %y = add(%m, %b)
  output "y" = %y
  output "m" = %m
}
# expect
