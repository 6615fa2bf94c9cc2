# run: simple-form
; Channels of coordinates beside those of the image.
graph expanded_constant_in_a_concat {
  %x = input f32[N,1,2,2]
  %k = const f32[1,2,2,2] [-1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0, 1.0]
  %all = expand(%k) {dims=[N,2,2,2]}
  %y = concat(%x, %all) {axis=1}
  output "y" = %y
}
# expect
