# run: merge-branches
# fold: always
; Rows every second, columns every fourth.
graph sizes_and_dilations {
  %x = input f32[N,1,9,9]
  %w3 = const f32[1,1,3,3] rand(seed=1)
  %w2 = const f32[1,1,3,1] rand(seed=2)
  %c3 = conv(%x, %w3) {pads=[4,4,4,4], dilations=[4,4]}
  %c2 = conv(%x, %w2) {pads=[2,0,2,0], dilations=[2,1]}
  %y = add(%c3, %c2)
  output "y" = %y
}
# expect
graph sizes_and_dilations {
  %x = input f32[N,1,9,9]
  %y.merged.weight = const f32[1,1,5,3] [0.13312304, 0.49156344, 0.9420054, 0.0, 0.18237936, 0.0, -0.11128163, 0.38682866, 0.52578866, 0.0, 0.19127607, 0.0, 0.7546973, 0.046134353, -0.42898273]
  %y = conv(%x, %y.merged.weight) {strides=[1, 1], pads=[4, 4, 4, 4], dilations=[2, 4], group=1} -> f32[N,1,9,9]
  output "y" = %y
}
