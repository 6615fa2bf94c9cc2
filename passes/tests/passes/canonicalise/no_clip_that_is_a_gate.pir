# run: canonicalise
; Hard swish, written out.
graph no_clip_that_is_a_gate {
  %x = input f32[N,3]
  %three = const f32[] [3]
  %sixth = const f32[] [0.16666667]
  %moved = add(%x, %three)
  %c = clip(%moved) {min=0, max=6}
  %gate = mul(%c, %sixth)
  %y = mul(%x, %gate)
  output "y" = %y
}
# expect
graph no_clip_that_is_a_gate {
  %x = input f32[N,3]
  %three = const f32[] [3.0]
  %sixth = const f32[] [0.16666667]
  %moved = add(%x, %three) -> f32[N,3]
  %c = clip(%moved) {min=0.0, max=6.0} -> f32[N,3]
  %gate = mul(%c, %sixth) -> f32[N,3]
  %y = mul(%x, %gate) -> f32[N,3]
  output "y" = %y
}
