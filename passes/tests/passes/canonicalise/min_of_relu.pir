# run: canonicalise
graph min_of_relu {
  %x = input f32[N,3]
  %six = const f32[] [1.5]
  %r = relu(%x)
  %c = min(%r, %six)
  %y = abs(%c)
  output "y" = %y
}
# expect
graph min_of_relu {
  %x = input f32[N,3]
  %c = capped_relu(%x) {cap=1.5} -> f32[N,3]
  %y = abs(%c) -> f32[N,3]
  output "y" = %y
}
