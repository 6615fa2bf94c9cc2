# run: commute-relu-maxpool
graph no_relu_of_relu {
  %x = input f32[N,2,4,4]
  %r = relu(%x)
  %p = avg_pool(%r) {kernel=[2,2], strides=[2,2], count_pad=false}
  %q = pad(%p) {before=[0,0,1,1], after=[0,0,0,0], value=0.0}
  %k = sigmoid(%q)
  %s = add(%q, %k)
  %c = const f32[] [2.0]
  %m = mul(%s, %c)
  %y = relu(%m)
  %z = neg(%y)
  output "z" = %z
}
# expect
graph no_relu_of_relu {
  %x = input f32[N,2,4,4]
  %r = relu(%x) -> f32[N,2,4,4]
  %p = avg_pool(%r) {kernel=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0], ceil=false, count_pad=false} -> f32[N,2,2,2]
  %q = pad(%p) {before=[0, 0, 1, 1], after=[0, 0, 0, 0], value=0.0} -> f32[N,2,3,3]
  %k = sigmoid(%q) -> f32[N,2,3,3]
  %s = add(%q, %k) -> f32[N,2,3,3]
  %c = const f32[] [2.0]
  %m = mul(%s, %c) -> f32[N,2,3,3]
  %y = relu(%m) -> f32[N,2,3,3]
  %z = neg(%y) -> f32[N,2,3,3]
  output "z" = %z
}
