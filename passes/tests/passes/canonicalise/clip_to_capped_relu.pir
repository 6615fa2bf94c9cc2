# run: canonicalise
graph clip_to_capped_relu {
  %x = input f32[N,3]
  %c = clip(%x) {min=0, max=1.5}
  %y = abs(%c)
  output "y" = %y
}
# expect
graph clip_to_capped_relu {
  %x = input f32[N,3]
  %c = capped_relu(%x) {cap=1.5} -> f32[N,3]
  %y = abs(%c) -> f32[N,3]
  output "y" = %y
}
