# run: drop-softmax
# softmax: drop
graph what_follows_a_softmax {
  %x = input f32[N,4]
  %m = reshape(%x) {dims=[N, 4, 1, 1]}
  %s = softmax(%m) {axis=1}
  %e = const f32[] [1e-8]
  %a = add(%s, %e)
  %l = log(%a)
  %y = reshape(%l) {dims=[N, 4]}
  output "y" = %y
}
# expect
graph what_follows_a_softmax {
  %x = input f32[N,4]
  %m = reshape(%x) {dims=[N, 4, 1, 1]} -> f32[N,4,1,1]
  %y = reshape(%m) {dims=[N, 4]} -> f32[N,4]
  output "y" = %y
}
