# run: push-scale
# refused: does not commute with a scale
; What is capped at 1.5 is not what is capped at 1.5·s.
graph no_through_a_cap {
  %x = input f32[N,2,3,3]
  %w = const f32[2,2,1,1] rand(seed=1)
  %s = const f32[2,1,1] [0.5, 2]
  %c = conv(%x, %w)
  %r = capped_relu(%c) {cap=1.5} @relu00
  %m = mul(%r, %s)
  %y = abs(%m)
  output "y" = %y
}
# expect
graph no_through_a_cap {
  %x = input f32[N,2,3,3]
  %w = const f32[2,2,1,1] [0.13312304, 0.49156344, 0.9420054, -0.11128163]
  %s = const f32[2,1,1] [0.5, 2.0]
  %c = conv(%x, %w) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,3,3]
  %r = capped_relu(%c) {cap=1.5} @relu00 -> f32[N,2,3,3]
  %m = mul(%r, %s) -> f32[N,2,3,3]
  %y = abs(%m) -> f32[N,2,3,3]
  output "y" = %y
}
