# run: canonicalise
; One slope a channel; some are negative or above one.
graph prelu {
  %x = input f32[N,3,2,2]
  %s = const f32[3,1,1] [0.25, -0.5, 1.5]
  %y = prelu(%x, %s)
  output "y" = %y
}
# expect
