# run: canonicalise
graph dyn_clip_to_capped_relu {
  %x = input f32[N,3]
  %low = const f32[] [0]
  %high = const f32[] [1.25]
  %c = dyn.clip(%x, %low, %high)
  %y = abs(%c)
  output "y" = %y
}
# expect
graph dyn_clip_to_capped_relu {
  %x = input f32[N,3]
  %c = capped_relu(%x) {cap=1.25} -> f32[N,3]
  %y = abs(%c) -> f32[N,3]
  output "y" = %y
}
