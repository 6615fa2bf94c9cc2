# run: canonicalise
; Rank 3: over the last axis.
graph matmul_of_tokens {
  %x = input f32[N,5,4]
  %w = const f32[4,3] rand(seed=1)
  %b = const f32[3] rand(seed=2)
  %m = matmul(%x, %w)
  %y = add(%b, %m)
  output "y" = %y
}
# expect
