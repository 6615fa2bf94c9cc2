# run: push-scale
# refused: must have the scale of another channel
graph no_when_channels_share_a_scale {
  %x = input f32[N,2,4,4]
  %s = const f32[2,1,1] [0.5, 2.0]
  %m = mul(%x, %s)
  %a = reduce(%m) {kind=max, axes=[1], keep=true}
  %w = const f32[1,1,1,1] [2.0]
  %y = conv(%a, %w)
  output "y" = %y
}
# expect
graph no_when_channels_share_a_scale {
  %x = input f32[N,2,4,4]
  %s = const f32[2,1,1] [0.5, 2.0]
  %m = mul(%x, %s) -> f32[N,2,4,4]
  %a = reduce(%m) {kind=max, axes=[1], keep=true} -> f32[N,1,4,4]
  %w = const f32[1,1,1,1] [2.0]
  %y = conv(%a, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,4,4]
  output "y" = %y
}
