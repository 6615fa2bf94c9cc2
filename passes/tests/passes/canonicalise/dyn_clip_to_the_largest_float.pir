# run: canonicalise
; Exporters write the largest float where there is no bound.
graph dyn_clip_to_the_largest_float {
  %x = input f32[N,5]
  %lo = const f32[] [0.0]
  %hi = const f32[] [3.4028235e38]
  %y = dyn.clip(%x, %lo, %hi)
  output "y" = %y
}
# expect
graph dyn_clip_to_the_largest_float {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
