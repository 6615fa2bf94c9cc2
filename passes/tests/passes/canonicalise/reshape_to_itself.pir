# run: canonicalise
graph reshape_to_itself {
  %x = input f32[N,4,3]
  %r = reshape(%x) {dims=[N,4,3]}
  %y = relu(%r)
  output "y" = %y
}
# expect
graph reshape_to_itself {
  %x = input f32[N,4,3]
  %y = relu(%x) -> f32[N,4,3]
  output "y" = %y
}
