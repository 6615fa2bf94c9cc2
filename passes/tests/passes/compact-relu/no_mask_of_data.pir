# run: compact-relu
# valid: no
; A mask that is computed: nothing can be gathered by it, and no back end takes it.
graph mask_of_data {
  %x = input f32[N,3]
  %f = input f32[3]
  %zero = const f32[3] splat(0.0)
  %g = mul(%f, %zero)
  %m = cast(%g) {to=u8}
  %y = masked_relu(%x, %m)
  output "y" = %y
}
# expect
graph mask_of_data {
  %x = input f32[N,3]
  %f = input f32[3]
  %zero = const f32[3] splat(0.0)
  %g = mul(%f, %zero) -> f32[3]
  %m = cast(%g) {to=u8} -> u8[3]
  %y = masked_relu(%x, %m) -> f32[N,3]
  output "y" = %y
}
