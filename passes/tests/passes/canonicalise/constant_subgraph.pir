# run: canonicalise
; A weight standardised at run time: (w − mean(w)) / √(var + ε).
graph constant_subgraph {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %m = reduce(%w) {kind=mean, axes=[1,2,3], keep=true}
  %d = sub(%w, %m)
  %q = mul(%d, %d)
  %v = reduce(%q) {kind=mean, axes=[1,2,3], keep=true}
  %eps = const f32[] [0.001]
  %ve = add(%v, %eps)
  %s = sqrt(%ve)
  %ws = div(%d, %s)
  %y = conv(%x, %ws) {pads=[1,1,1,1]}
  output "y" = %y
}
# expect
graph constant_subgraph {
  %x = input f32[N,2,4,4]
  %ws = const f32[3,2,3,3] opaque
  %y = conv(%x, %ws) {strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1} -> f32[N,3,4,4]
  output "y" = %y
}
