# run: canonicalise
graph clip_to_relu {
  %x = input f32[N,5]
  %y = clip(%x) {min=0}
  output "y" = %y
}
# expect
graph clip_to_relu {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
