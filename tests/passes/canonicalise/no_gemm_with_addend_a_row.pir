# run: canonicalise
; The addend is one a row, not one an output.
graph gemm_with_addend_a_row {
  %x = input f32[2,4]
  %w = const f32[4,3] rand(seed=1)
  %b = const f32[2,1] rand(seed=2)
  %y = gemm(%x, %w, %b)
  output "y" = %y
}
# expect
