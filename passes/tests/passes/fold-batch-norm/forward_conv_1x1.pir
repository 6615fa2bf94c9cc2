# run: fold-batch-norm
graph forward_conv_1x1 {
  %x = input f32[N,2,4,4]
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %n = batch_norm(%x, %gamma, %beta, %mean, %var)
  %w = const f32[3,2,1,1] rand(seed=1)
  %y = conv(%n, %w)
  output "y" = %y
}
# expect
graph forward_conv_1x1 {
  %x = input f32[N,2,4,4]
  %w.folded = const f32[3,2,1,1] [0.28239378, -0.17379348, 1.9982753, 0.0393439, -0.2364627, -0.1858939]
  %y.bias = const f32[3] [-0.45176336, 0.13908668, -0.4928313]
  %y = conv(%x, %w.folded, %y.bias) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,3,4,4]
  output "y" = %y
}
