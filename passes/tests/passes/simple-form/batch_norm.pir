# run: simple-form
graph batch_norm {
  %x = input f32[N,3,4,4]
  %g = const f32[3] [1.0, 2.0, 0.5]
  %b = const f32[3] [0.5, 0.0, -1.0]
  %m = const f32[3] [0.1, 0.2, 0.3]
  %v = const f32[3] [1.0, 4.0, 0.25]
  %y = batch_norm(%x, %g, %b, %m, %v) {eps=0.00001}
  output "y" = %y
}
# expect
graph batch_norm {
  %x = input f32[N,3,4,4]
  %y.scale = const f32[3,1,1] [0.999995, 0.99999875, 0.99998]
  %y.shift = const f32[3,1,1] [0.4000005, -0.19999975, -1.299994]
  %y.scaled = mul(%x, %y.scale) -> f32[N,3,4,4]
  %y = add(%y.scaled, %y.shift) -> f32[N,3,4,4]
  output "y" = %y
}
