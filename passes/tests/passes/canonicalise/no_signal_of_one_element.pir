# run: canonicalise
; What has one element is a row of features.
graph signal_of_one_element {
  %x = input f32[N,2,1,1]
  %f = reshape(%x) {dims=[N,2,1]}
  %y = relu(%f)
  output "y" = %y
}
# expect
graph signal_of_one_element {
  %x = input f32[N,2,1,1]
  %f = reshape(%x) {dims=[N, 2, 1]} -> f32[N,2,1]
  %y = relu(%f) -> f32[N,2,1]
  output "y" = %y
}
