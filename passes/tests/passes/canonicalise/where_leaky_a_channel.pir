# run: canonicalise
; A slope for each channel.
graph where_leaky_a_channel {
  %x = input f32[N,3,4,4]
  %zero = const f32[] [0.0]
  %slope = const f32[3,1,1] [0.1, -0.2, 0.3]
  %part = mul(%x, %slope)
  %c = greater(%x, %zero)
  %y = where(%c, %x, %part)
  output "y" = %y
}
# expect
graph where_leaky_a_channel {
  %x = input f32[N,3,4,4]
  %slope = const f32[3,1,1] [0.1, -0.2, 0.3]
  %y.rest = const f32[3,1,1] [0.9, 1.2, 0.7]
  %y.linear = mul(%x, %slope) -> f32[N,3,4,4]
  %y.relu = relu(%x) -> f32[N,3,4,4]
  %y.positive = mul(%y.relu, %y.rest) -> f32[N,3,4,4]
  %y = add(%y.linear, %y.positive) -> f32[N,3,4,4]
  output "y" = %y
}
