# run: canonicalise
; where(r < 6, r, 6) of a ReLU r
graph where_of_a_cap {
  %x = input f32[N,5]
  %six = const f32[] [6.0]
  %r = relu(%x)
  %b = less(%r, %six)
  %y = where(%b, %r, %six)
  output "y" = %y
}
# expect
graph where_of_a_cap {
  %x = input f32[N,5]
  %y = clip(%x) {min=0.0, max=6.0} -> f32[N,5]
  output "y" = %y
}
