# run: push-constant
graph through_a_mean {
  %x = input f32[N,2,4,4]
  %k = const f32[2,1,1] [0.5, -1.0]
  %s = mul(%x, %x) @relu00
  %a = add(%s, %k) @relu00
  %m = reduce(%a) {kind=sum, axes=[2, 3], keep=false}
  %w = const f32[3,2] rand(seed=1)
  %y = linear(%m, %w)
  output "y" = %y
}
# expect
graph through_a_mean {
  %x = input f32[N,2,4,4]
  %s = mul(%x, %x) @relu00 -> f32[N,2,4,4]
  %w = const f32[3,2] [0.13312304, 0.49156344, 0.9420054, -0.11128163, -0.1114707, 0.52578866]
  %m.1 = reduce(%s) {kind=sum, axes=[2, 3], keep=false} -> f32[N,2]
  %y.bias = const f32[3] [-6.8000307, 9.316549, -9.304384]
  %y = linear(%m.1, %w, %y.bias) -> f32[N,3]
  output "y" = %y
}
