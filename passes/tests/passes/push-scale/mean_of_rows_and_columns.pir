# run: push-scale
graph mean_of_rows_and_columns {
  %x = input f32[N,2,4,2]
  %m = reduce(%x) {kind=mean, axes=[2,3], keep=true}
  %w = const f32[1,2,1,1] [8.0, 16.0]
  %y = conv(%m, %w)
  output "y" = %y
}
# expect
graph mean_of_rows_and_columns {
  %x = input f32[N,2,4,2]
  %m = reduce(%x) {kind=sum, axes=[2, 3], keep=true} -> f32[N,2,1,1]
  %w.scaled = const f32[1,2,1,1] [1.0, 2.0]
  %y = conv(%m, %w.scaled) {strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,1,1,1]
  output "y" = %y
}
