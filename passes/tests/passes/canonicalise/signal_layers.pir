# run: canonicalise
; Two layers of a signal with a residual sum between them: all of it becomes maps of one row.
graph signal_layers {
  %x = input f32[N,2,6]
  %w = const f32[2,2,1,3] rand(seed=1)
  %k = const f32[2,1] [0.5, -1.0]
  %x4 = reshape(%x) {dims=[N,2,1,6]}
  %a = conv(%x4, %w) {pads=[0,1,0,1]}
  %a3 = reshape(%a) {dims=[N,2,6]}
  %r = relu(%a3)
  %m = mul(%r, %k)
  %s = add(%m, %a3)
  %s4 = reshape(%s) {dims=[N,2,1,6]}
  %b = conv(%s4, %w) {pads=[0,1,0,1]}
  %b3 = reshape(%b) {dims=[N,2,6]}
  %y = global_mean(%b3) {keep=false}
  output "y" = %y
}
# expect
graph signal_layers {
  %x = input f32[N,2,6]
  %w = const f32[2,2,1,3] [0.13312304, 0.49156344, 0.9420054, -0.11128163, -0.1114707, 0.52578866, 0.7546973, 0.046134353, -0.42898273, 0.58799314, -0.19171572, 0.2108407]
  %x4 = reshape(%x) {dims=[N, 2, 1, 6]} -> f32[N,2,1,6]
  %a = conv(%x4, %w) {strides=[1, 1], pads=[0, 1, 0, 1], dilations=[1, 1], group=1} -> f32[N,2,1,6]
  %k.map = const f32[2,1,1] [0.5, -1.0]
  %r.map = relu(%a) -> f32[N,2,1,6]
  %m.map = mul(%r.map, %k.map) -> f32[N,2,1,6]
  %s.map = add(%m.map, %a) -> f32[N,2,1,6]
  %b = conv(%s.map, %w) {strides=[1, 1], pads=[0, 1, 0, 1], dilations=[1, 1], group=1} -> f32[N,2,1,6]
  %y = global_mean(%b) {keep=false} -> f32[N,2]
  output "y" = %y
}
