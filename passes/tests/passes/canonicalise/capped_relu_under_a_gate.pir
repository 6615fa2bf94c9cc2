# run: canonicalise
; The features are a layer, what opens their channels is a gate.
graph capped_relu_under_a_gate {
  %x = input f32[N,2,3,3]
  %c = clip(%x) {min=0, max=1.5}
  %m = global_mean(%c)
  %g = clip(%m) {min=0, max=1}
  %y = mul(%c, %g)
  output "y" = %y
}
# expect
graph capped_relu_under_a_gate {
  %x = input f32[N,2,3,3]
  %c = capped_relu(%x) {cap=1.5} -> f32[N,2,3,3]
  %m = global_mean(%c) {keep=true} -> f32[N,2,1,1]
  %g = clip(%m) {min=0.0, max=1.0} -> f32[N,2,1,1]
  %y = mul(%c, %g) -> f32[N,2,3,3]
  output "y" = %y
}
