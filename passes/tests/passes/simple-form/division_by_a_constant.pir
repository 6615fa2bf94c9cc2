# run: simple-form
graph division_by_a_constant {
  %x = input f32[N,3,4,4]
  %c = const f32[3,1,1] [0.5, -1.0, 2.0]
  %y = div(%x, %c)
  output "y" = %y
}
# expect
graph division_by_a_constant {
  %x = input f32[N,3,4,4]
  %y.inverse = const f32[3,1,1] [2.0, -1.0, 0.5]
  %y = mul(%x, %y.inverse) -> f32[N,3,4,4]
  output "y" = %y
}
