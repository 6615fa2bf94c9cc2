# run: push-scale
graph through_pools_slices_and_concat {
  %x = input f32[N,2,8,8]
  %s = const f32[2,1,1] [0.5, 4.0]
  %m = mul(%x, %s)
  %p = max_pool(%m) {kernel=[3,3], strides=[2,2], pads=[1,1,1,1]}
  %q = avg_pool(%p) {kernel=[2,2], strides=[2,2], count_pad=false}
  %e = slice(%q) {axes=[1], starts=[1], ends=[2], steps=[1]}
  %i = const i64[2] [1, 0]
  %g = gather(%q, %i) {axis=1}
  %o = pad(%g) {before=[0,1,0,0], after=[0,0,1,0], value=0.0}
  %k = pad(%e) {before=[0,0,0,0], after=[0,0,1,0], value=0.0}
  %c = concat(%o, %k) {axis=1}
  %w = const f32[1,4,1,1] [1.0, 1.0, 1.0, 1.0]
  %y = conv(%c, %w) {pads=[1,1,1,1]}
  output "y" = %y
}
# expect
graph through_pools_slices_and_concat {
  %x = input f32[N,2,8,8]
  %p = max_pool(%x) {kernel=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil=false} -> f32[N,2,4,4]
  %q = avg_pool(%p) {kernel=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0], ceil=false, count_pad=false} -> f32[N,2,2,2]
  %e = slice(%q) {axes=[1], starts=[1], ends=[2], steps=[1]} -> f32[N,1,2,2]
  %i = const i64[2] [1, 0]
  %g = gather(%q, %i) {axis=1} -> f32[N,2,2,2]
  %o = pad(%g) {before=[0, 1, 0, 0], after=[0, 0, 1, 0], value=0.0} -> f32[N,3,3,2]
  %k = pad(%e) {before=[0, 0, 0, 0], after=[0, 0, 1, 0], value=0.0} -> f32[N,1,3,2]
  %c = concat(%o, %k) {axis=1} -> f32[N,4,3,2]
  %w.scaled = const f32[1,4,1,1] [1.0, 4.0, 0.5, 4.0]
  %y = conv(%c, %w.scaled) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,1,5,4]
  output "y" = %y
}
