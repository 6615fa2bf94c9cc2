# run: fold-scale-and-bias
; The scaled value is read without the convolution, too.
graph result_read_elsewhere {
  %x = input f32[N,2,4,4]
  %s = const f32[2,1,1] [1.5, -0.5]
  %m = mul(%x, %s)
  %w = const f32[2,2,1,1] rand(seed=1)
  %c = conv(%m, %w)
  %y = add(%m, %c)
  output "y" = %y
}
# expect
