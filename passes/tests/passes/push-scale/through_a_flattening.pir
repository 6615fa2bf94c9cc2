# run: push-scale
graph through_a_flattening {
  %x = input f32[N,2,2,2]
  %s = const f32[2,1,1] [0.5, 4.0]
  %m = mul(%x, %s)
  %r = relu(%m) @relu00
  %f = reshape(%r) {dims=[N,8]}
  %w = const f32[1,8] splat(1)
  %y = linear(%f, %w)
  output "y" = %y
}
# expect
graph through_a_flattening {
  %x = input f32[N,2,2,2]
  %r = relu(%x) @relu00 -> f32[N,2,2,2]
  %f = reshape(%r) {dims=[N, 8]} -> f32[N,8]
  %w.scaled = const f32[1,8] [0.5, 0.5, 0.5, 0.5, 4.0, 4.0, 4.0, 4.0]
  %y = linear(%f, %w.scaled) -> f32[N,1]
  output "y" = %y
}
