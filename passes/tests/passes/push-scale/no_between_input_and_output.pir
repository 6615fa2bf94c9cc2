# run: push-scale
# refused: nothing can take its scale: before it the model's input keeps its scale, after it the model's output keeps its scale
graph no_between_input_and_output {
  %x = input f32[N,2,4,4]
  %s = const f32[2,1,1] [0.5, 2.0]
  %m = mul(%x, %s)
  %r = relu(%m) @relu00
  output "r" = %r
}
# expect
graph no_between_input_and_output {
  %x = input f32[N,2,4,4]
  %s = const f32[2,1,1] [0.5, 2.0]
  %m = mul(%x, %s) -> f32[N,2,4,4]
  %r = relu(%m) @relu00 -> f32[N,2,4,4]
  output "r" = %r
}
