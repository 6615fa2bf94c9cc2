# run: merge-hoisted
# fold: always
; The second convolution has one row of outputs: its kernel keeps the taps that read the first's map.
graph one_output_row {
  %x = input f32[N,2,3,8]
  %w1 = const f32[3,2,3,3] rand(seed=1)
  %w2 = const f32[4,3,3,3] rand(seed=2)
  %b1 = const f32[3] rand(seed=3)
  %c1 = conv(%x, %w1, %b1) {pads=[0,1,0,1]}
  %c2 = conv(%c1, %w2) {pads=[1,1,1,1]}
  output "y" = %c2
}
# expect
