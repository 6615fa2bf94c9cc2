# run: merge-conv
# fold: always
# refused: conv 'c' stands before the mean 'm'
graph no_mean_of_3x3 {
  %x = input f32[N,2,5,5]
  %w1 = const f32[3,2,3,3] rand(seed=1)
  %w2 = const f32[4,3] rand(seed=2)
  %c = conv(%x, %w1)
  %m = global_mean(%c) {keep=false}
  %y = linear(%m, %w2)
  output "y" = %y
}
# expect
graph no_mean_of_3x3 {
  %x = input f32[N,2,5,5]
  %w1 = const f32[3,2,3,3] opaque
  %w2 = const f32[4,3] [0.18237936, 0.49829936, 0.19127607, 0.53083825, -0.3768227, -0.30675554, 0.45270717, 0.47817457, -0.49937534, 0.4552319, -0.32103682, -0.12434769]
  %c = conv(%x, %w1) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,3,3,3]
  %m = global_mean(%c) {keep=false} -> f32[N,3]
  %y = linear(%m, %w2) -> f32[N,4]
  output "y" = %y
}
