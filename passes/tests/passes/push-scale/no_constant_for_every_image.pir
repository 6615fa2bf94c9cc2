# run: push-scale
# refused: nothing can take its scale: before it expand 'all' reads constants alone, after it the model's output keeps its scale
; A constant that is expanded to the images cannot take a scale.
graph no_constant_for_every_image {
  %x = input f32[N,1,2]
  %k = const f32[1,1,2] [1.0, 2.0]
  %all = expand(%k) {dims=[N, 1, 2]}
  %s = add(%all, %all)
  %h = const f32[] [0.5]
  %m = mul(%s, %h)
  %y = concat(%x, %m) {axis=1}
  output "y" = %y
}
# expect
graph no_constant_for_every_image {
  %x = input f32[N,1,2]
  %k = const f32[1,1,2] [1.0, 2.0]
  %all = expand(%k) {dims=[N, 1, 2]} -> f32[N,1,2]
  %s = add(%all, %all) -> f32[N,1,2]
  %h = const f32[] [0.5]
  %m = mul(%s, %h) -> f32[N,1,2]
  %y = concat(%x, %m) {axis=1} -> f32[N,2,2]
  output "y" = %y
}
