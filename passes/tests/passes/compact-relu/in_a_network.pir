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
graph in_a_network {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] opaque
  %c = conv(%x, %w) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,3,4,4]
  %relu00.flat = reshape(%c) {dims=[N, 48]} @relu00 -> f32[N,48]
  %relu00.kept = const i64[12] [8, 15, 16, 19, 20, 28, 32, 36, 37, 39, 41, 42]
  %relu00.gathered = gather(%relu00.flat, %relu00.kept) {axis=1} @relu00 -> f32[N,12]
  %relu00.relu = relu(%relu00.gathered) @relu00 -> f32[N,12]
  %relu00.joined = concat(%relu00.flat, %relu00.relu) {axis=1} @relu00 -> f32[N,60]
  %relu00.places = const i64[48] opaque
  %relu00.placed = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,48]
  %r = reshape(%relu00.placed) {dims=[N, 3, 4, 4]} @relu00 -> f32[N,3,4,4]
  %p = max_pool(%r) {kernel=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0], ceil=false} -> f32[N,3,2,2]
  %y = add(%p, %p) -> f32[N,3,2,2]
  output "y" = %y
}
