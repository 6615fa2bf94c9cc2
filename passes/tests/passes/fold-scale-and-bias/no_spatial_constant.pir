# run: fold-scale-and-bias
; One value a position, or a column: no single factor a channel.
graph spatial_constant {
  %x = input f32[N,2,4,4]
  %w = const f32[4,2,1,1] rand(seed=1)
  %c = conv(%x, %w)
  %s = const f32[4,4] rand(seed=2)
  %m = mul(%c, %s)
  %d = conv(%x, %w)
  %t = const f32[4] rand(seed=3)
  %y = mul(%d, %t)
  %z = add(%m, %y)
  output "y" = %z
}
# expect
graph spatial_constant {
  %x = input f32[N,2,4,4]
  %w = const f32[4,2,1,1] [0.13312304, 0.49156344, 0.9420054, -0.11128163, -0.1114707, 0.52578866, 0.7546973, 0.046134353]
  %c = conv(%x, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,4,4]
  %s = const f32[4,4] [0.18237936, 0.49829936, 0.19127607, 0.53083825, -0.3768227, -0.30675554, 0.45270717, 0.47817457, -0.49937534, 0.4552319, -0.32103682, -0.12434769, 0.111582756, -0.25239325, 0.8640021, -0.5932181]
  %m = mul(%c, %s) -> f32[N,4,4,4]
  %d = conv(%x, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,4,4,4]
  %t = const f32[4] [-0.7730994, 0.40058696, 0.22594929, -0.85426664]
  %y = mul(%d, %t) -> f32[N,4,4,4]
  %z = add(%m, %y) -> f32[N,4,4,4]
  output "y" = %z
}
