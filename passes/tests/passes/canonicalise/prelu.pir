# run: canonicalise
; One slope a channel; some are negative or above one.
graph prelu {
  %x = input f32[N,3,2,2]
  %s = const f32[3,1,1] [0.25, -0.5, 1.5]
  %y = prelu(%x, %s)
  output "y" = %y
}
# expect
graph prelu {
  %x = input f32[N,3,2,2]
  %s = const f32[3,1,1] [0.25, -0.5, 1.5]
  %y.rest = const f32[3,1,1] [0.75, 1.5, -0.5]
  %y.linear = mul(%x, %s) -> f32[N,3,2,2]
  %y.relu = relu(%x) -> f32[N,3,2,2]
  %y.positive = mul(%y.relu, %y.rest) -> f32[N,3,2,2]
  %y = add(%y.linear, %y.positive) -> f32[N,3,2,2]
  output "y" = %y
}
