# run: push-scale
# refused: the sum of 289 elements would be that much larger than their mean
graph no_mean_of_a_large_map {
  %x = input f32[N,2,17,17]
  %m = global_mean(%x) {keep=false}
  %w = const f32[1,2] [16.0, 32.0]
  %y = linear(%m, %w)
  output "y" = %y
}
# expect
graph no_mean_of_a_large_map {
  %x = input f32[N,2,17,17]
  %m = global_mean(%x) {keep=false} -> f32[N,2]
  %w = const f32[1,2] [16.0, 32.0]
  %y = linear(%m, %w) -> f32[N,1]
  output "y" = %y
}
