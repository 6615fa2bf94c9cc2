# run: canonicalise
graph sigmoid_written_out {
  %x = input f32[N,4]
  %one = const f32[] [1.0]
  %n = neg(%x)
  %e = exp(%n)
  %s = add(%one, %e)
  %y = div(%one, %s)
  %m = neg(%y)
  %f = exp(%m)
  %t = add(%f, %one)
  %z = reciprocal(%t)
  output "z" = %z
}
# expect
graph sigmoid_written_out {
  %x = input f32[N,4]
  %y = sigmoid(%x) -> f32[N,4]
  %z = sigmoid(%y) -> f32[N,4]
  output "z" = %z
}
