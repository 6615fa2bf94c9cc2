# run: simple-form
graph constant_in_a_concat {
  %x = input f32[1,2]
  %c = const f32[1,3] [1.0, 2.0, 3.0]
  %y = concat(%x, %c) {axis=1}
  output "y" = %y
}
# expect
