# run: canonicalise
; ONNX Clip from opset 11 on: bounds are operands, the maximum absent.
graph dyn_clip_to_relu {
  %x = input f32[N,5]
  %min = const f32[] [0.0]
  %y = dyn.clip(%x, %min)
  output "y" = %y
}
# expect
graph dyn_clip_to_relu {
  %x = input f32[N,5]
  %y = relu(%x) -> f32[N,5]
  output "y" = %y
}
