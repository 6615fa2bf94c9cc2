# run: simple-form
graph sum_of_a_map {
  %x = input f32[N,3,4,4]
  %y = reduce(%x) {kind=sum, axes=[2,3], keep=false}
  output "y" = %y
}
# expect
