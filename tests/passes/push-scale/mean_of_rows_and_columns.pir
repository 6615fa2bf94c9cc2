# run: push-scale
graph mean_of_rows_and_columns {
  %x = input f32[N,2,4,2]
  %m = reduce(%x) {kind=mean, axes=[2,3], keep=true}
  %w = const f32[1,2,1,1] [8.0, 16.0]
  %y = conv(%m, %w)
  output "y" = %y
}
