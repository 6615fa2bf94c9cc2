# run: canonicalise
; PyTorch's x.view(x.size(0), -1).
graph shape_chain {
  %x = input f32[N,3,2,2]
  %s = shape(%x) {end=4}
  %zero = const i64[] [0]
  %n = gather(%s, %zero) {axis=0}
  %axes = const i64[1] [0]
  %n1 = dyn.unsqueeze(%n, %axes)
  %rest = const i64[1] [-1]
  %to = concat(%n1, %rest) {axis=0}
  %y = dyn.reshape(%x, %to)
  output "y" = %y
}
# expect
graph shape_chain {
  %x = input f32[N,3,2,2]
  %y = reshape(%x) {dims=[N, 12]} -> f32[N,12]
  output "y" = %y
}
