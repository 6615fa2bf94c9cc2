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
