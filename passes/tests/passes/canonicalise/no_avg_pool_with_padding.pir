# run: canonicalise
; Two places of the padded map.
graph avg_pool_with_padding {
  %x = input f32[N,3,4,4]
  %p = avg_pool(%x) {kernel=[4,4], pads=[0,0,0,1], count_pad=true}
  %q = avg_pool(%x) {kernel=[4,4], strides=[4,4], pads=[1,1,0,0]}
  output "p" = %p
  output "q" = %q
}
# expect
graph avg_pool_with_padding {
  %x = input f32[N,3,4,4]
  %p = avg_pool(%x) {kernel=[4, 4], strides=[1, 1], pads=[0, 0, 0, 1], ceil=false, count_pad=true} -> f32[N,3,1,2]
  %q = avg_pool(%x) {kernel=[4, 4], strides=[4, 4], pads=[1, 1, 0, 0], ceil=false, count_pad=false} -> f32[N,3,1,1]
  output "p" = %p
  output "q" = %q
}
