# run: push-scale
graph global_mean {
  %x = input f32[N,2,4,4]
  %m = global_mean(%x) {keep=false}
  %w = const f32[1,2] [16.0, 32.0]
  %y = linear(%m, %w)
  output "y" = %y
}
# expect
graph global_mean {
  %x = input f32[N,2,4,4]
  %m = reduce(%x) {kind=sum, axes=[2, 3], keep=false} -> f32[N,2]
  %w.scaled = const f32[1,2] [1.0, 2.0]
  %y = linear(%m, %w.scaled) -> f32[N,1]
  output "y" = %y
}
