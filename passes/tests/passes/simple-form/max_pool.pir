# run: simple-form
graph max_pool {
  %x = input f32[N,3,4,4]
  %y = max_pool(%x) {kernel=[2,2], strides=[2,2], pads=[0,0,0,0], ceil=false}
  output "y" = %y
}
# expect
graph max_pool {
  %x = input f32[N,3,4,4]
  %y.rows_index = const i64[2] [0, 2]
  %y.rows = gather(%x, %y.rows_index) {axis=2} -> f32[N,3,2,4]
  %y.columns_index = const i64[2] [0, 2]
  %y.columns = gather(%y.rows, %y.columns_index) {axis=3} -> f32[N,3,2,2]
  %y.columns_index.1 = const i64[2] [1, 3]
  %y.columns.1 = gather(%y.rows, %y.columns_index.1) {axis=3} -> f32[N,3,2,2]
  %y.rows_index.1 = const i64[2] [1, 3]
  %y.rows.1 = gather(%x, %y.rows_index.1) {axis=2} -> f32[N,3,2,4]
  %y.columns_index.2 = const i64[2] [0, 2]
  %y.columns.2 = gather(%y.rows.1, %y.columns_index.2) {axis=3} -> f32[N,3,2,2]
  %y.columns_index.3 = const i64[2] [1, 3]
  %y.columns.3 = gather(%y.rows.1, %y.columns_index.3) {axis=3} -> f32[N,3,2,2]
  %y.window = concat(%y.columns, %y.columns.1, %y.columns.2, %y.columns.3) {axis=1} -> f32[N,12,2,2]
  %y.part = slice(%y.window) {axes=[1], starts=[0], ends=[6], steps=[1]} -> f32[N,6,2,2]
  %y.part.1 = slice(%y.window) {axes=[1], starts=[6], ends=[12], steps=[1]} -> f32[N,6,2,2]
  %y.difference = sub(%y.part, %y.part.1) -> f32[N,6,2,2]
  %y.positive = relu(%y.difference) -> f32[N,6,2,2]
  %y.largest = add(%y.positive, %y.part.1) -> f32[N,6,2,2]
  %y.part.2 = slice(%y.largest) {axes=[1], starts=[0], ends=[3], steps=[1]} -> f32[N,3,2,2]
  %y.part.3 = slice(%y.largest) {axes=[1], starts=[3], ends=[6], steps=[1]} -> f32[N,3,2,2]
  %y.difference.1 = sub(%y.part.2, %y.part.3) -> f32[N,3,2,2]
  %y.positive.1 = relu(%y.difference.1) -> f32[N,3,2,2]
  %y = add(%y.positive.1, %y.part.3) -> f32[N,3,2,2]
  output "y" = %y
}
