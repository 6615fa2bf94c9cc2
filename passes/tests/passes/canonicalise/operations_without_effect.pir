# run: canonicalise
; A pad of nothing, a transpose in place, a cast to the same type, an expand, a concat of one, an open clip.
graph operations_without_effect {
  %x = input f32[N,2,3,3]
  %a = pad(%x) {before=[0,0,0,0], after=[0,0,0,0]}
  %b = transpose(%a) {perm=[0,1,2,3]}
  %c = cast(%b) {to=f32}
  %d = expand(%c) {dims=[N,2,3,3]}
  %e = concat(%d) {axis=1}
  %f = clip(%e)
  %y = relu(%f)
  output "y" = %y
}
# expect
graph operations_without_effect {
  %x = input f32[N,2,3,3]
  %y = relu(%x) -> f32[N,2,3,3]
  output "y" = %y
}
