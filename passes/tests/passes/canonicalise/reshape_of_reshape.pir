# run: canonicalise
; The first one stays where something else reads it.
graph reshape_of_reshape {
  %x = input f32[N,4,3]
  %r = reshape(%x) {dims=[N,12]}
  %y = reshape(%r) {dims=[N,2,6]}
  %z = reshape(%y) {dims=[N,4,3]}
  output "r" = %r
  output "z" = %z
}
# expect
graph reshape_of_reshape {
  %x = input f32[N,4,3]
  %r = reshape(%x) {dims=[N, 12]} -> f32[N,12]
  output "r" = %r
  output "z" = %x
}
