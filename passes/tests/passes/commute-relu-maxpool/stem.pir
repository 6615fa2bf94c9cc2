# run: commute-relu-maxpool
graph stem {
  %x = input f32[N,3,16,16]
  %w = const f32[4,3,7,7] rand(seed=1, scale=0.1)
  %c = conv(%x, %w) {strides=[2,2], pads=[3,3,3,3]}
  %r = relu(%c)
  %p = max_pool(%r) {kernel=[3,3], strides=[2,2], pads=[1,1,1,1]}
  output "p" = %p
}
# expect
graph stem {
  %x = input f32[N,3,16,16]
  %w = const f32[4,3,7,7] opaque
  %c = conv(%x, %w) {strides=[2, 2], pads=[3, 3, 3, 3], dilations=[1, 1], group=1} -> f32[N,4,8,8]
  %r.pooled = max_pool(%c) {kernel=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil=false} -> f32[N,4,4,4]
  %p = relu(%r.pooled) -> f32[N,4,4,4]
  output "p" = %p
}
