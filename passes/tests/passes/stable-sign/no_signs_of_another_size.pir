# run: stable-sign
# sign relu00: [1, 1]
# refused: the signs of relu00 are of 2 elements
graph no_signs_of_another_size {
  %x = input f32[N,3,2,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
graph no_signs_of_another_size {
  %x = input f32[N,3,2,2]
  %y = relu(%x) @relu00 -> f32[N,3,2,2]
  output "y" = %y
}
