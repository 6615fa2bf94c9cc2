# run: compact-relu
graph in_a_network {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %c = conv(%x, %w) {pads=[1,1,1,1]}
  %m = const u8[3,4,4] rand(seed=2, density=0.3)
  %r = masked_relu(%c, %m) @relu00
  %p = max_pool(%r) {kernel=[2,2], strides=[2,2]}
  %y = add(%p, %p)
  output "y" = %y
}
# expect
