# run: commute-relu-maxpool
graph stem {
  %x = input f32[N,3,16,16]
  %w = const f32[4,3,7,7] rand(seed=1, scale=0.1)
  %c = conv(%x, %w) {strides=[2,2], pads=[3,3,3,3]}
  %r = relu(%c)
  %p = max_pool(%r) {kernel=[3,3], strides=[2,2], pads=[1,1,1,1]}
  output "p" = %p
}
