# run: normalise-ranges
# range y: 100
# target: 2
# refused: the model's output belongs to its layer
graph no_when_the_output_belongs_to_it {
  %x = input f32[N,4]
  %w = const f32[4,4] iota
  %c = linear(%x, %w)
  %y = relu(%c)
  output "y" = %y
}
# expect
graph no_when_the_output_belongs_to_it {
  %x = input f32[N,4]
  %w = const f32[4,4] [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0]
  %c = linear(%x, %w) -> f32[N,4]
  %y = relu(%c) -> f32[N,4]
  output "y" = %y
}
