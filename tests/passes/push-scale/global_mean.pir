# run: push-scale
graph global_mean {
  %x = input f32[N,2,4,4]
  %m = global_mean(%x) {keep=false}
  %w = const f32[1,2] [16.0, 32.0]
  %y = linear(%m, %w)
  output "y" = %y
}
