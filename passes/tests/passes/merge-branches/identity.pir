# run: merge-branches
# fold: always
; Groups stay: the identity fits any.
graph identity {
  %x = input f32[N,2,5,5]
  %w = const f32[2,1,1,1] [2.0, 3.0]
  %c = conv(%x, %w) {group=2}
  %y = add(%x, %c)
  output "y" = %y
}
# expect
graph identity {
  %x = input f32[N,2,5,5]
  %y.merged.weight = const f32[2,1,1,1] [3.0, 4.0]
  %y = conv(%x, %y.merged.weight) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=2} -> f32[N,2,5,5]
  output "y" = %y
}
