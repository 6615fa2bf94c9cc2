# run: stable-sign
# sign relu00: splat(0)
graph no_varying {
  %x = input f32[N,3,2,2]
  %y = relu(%x) @relu00
  output "y" = %y
}
# expect
graph no_varying {
  %x = input f32[N,3,2,2]
  %y = relu(%x) @relu00 -> f32[N,3,2,2]
  output "y" = %y
}
