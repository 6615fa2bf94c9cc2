# run: canonicalise
; Parameters as operands become attributes.
graph dynamic_parameters {
  %x = input f32[N,4,3,3]
  %starts = const i64[1] [1]
  %ends = const i64[1] [9223372036854775807]
  %axes = const i64[1] [-3]
  %s = dyn.slice(%x, %starts, %ends, %axes)
  %min = const f32[] [-0.5]
  %max = const f32[] [0.5]
  %c = dyn.clip(%s, %min, %max)
  %last = const i64[2] [-1, -2]
  %r = dyn.reduce(%c, %last) {kind=max, keep=true}
  %drop = const i64[2] [2, 3]
  %q = dyn.squeeze(%r, %drop)
  %to = const i64[3] [2, 1, 3]
  %y = dyn.expand(%q, %to)
  output "y" = %y
}
# expect
graph dynamic_parameters {
  %x = input f32[N,4,3,3]
  %s = slice(%x) {axes=[1], starts=[1], ends=[9223372036854775807], steps=[1]} -> f32[N,3,3,3]
  %c = clip(%s) {min=-0.5, max=0.5} -> f32[N,3,3,3]
  %r = max_pool(%c) {kernel=[3, 3], strides=[1, 1], pads=[0, 0, 0, 0], ceil=false} -> f32[N,3,1,1]
  %q = reshape(%r) {dims=[N, 3]} -> f32[N,3]
  %y = expand(%q) {dims=[2, N, 3]} -> f32[2,N,3]
  output "y" = %y
}
