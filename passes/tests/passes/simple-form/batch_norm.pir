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
