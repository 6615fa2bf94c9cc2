# run: drop-redundant-relu
# input: -2 2
; 1·x0 − 1·x1 + 4 is at least 0 for inputs from −2 to 2; the second ReLU's operand can be −1.
graph of_a_declared_range {
  %x = input f32[N,2,4,4]
  %w = const f32[1,2,1,1] [1.0, -1.0]
  %b = const f32[1] [4.0]
  %c = conv(%x, %w, %b)
  %r = relu(%c)
  %k = const f32[1] [1.0]
  %d = sub(%r, %k)
  %y = relu(%d)
  output "y" = %y
}
# expect
graph of_a_declared_range {
  %x = input f32[N,2,4,4]
  %w = const f32[1,2,1,1] [1.0, -1.0]
  %b = const f32[1] [4.0]
  %c = conv(%x, %w, %b) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,4,4]
  %k = const f32[1] [1.0]
  %d = sub(%c, %k) -> f32[N,1,4,4]
  %y = relu(%d) -> f32[N,1,4,4]
  output "y" = %y
}
