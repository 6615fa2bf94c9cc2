# run: fold-scale-and-bias
; Normalisation of the image inside the model.
graph before_conv {
  %x = input f32[N,3,4,4]
  %mean = const f32[3,1,1] [0.485, 0.456, 0.406]
  %std = const f32[3,1,1] [0.229, 0.224, 0.225]
  %d = sub(%x, %mean)
  %n = div(%d, %std)
  %w = const f32[2,3,3,3] rand(seed=1)
  %b = const f32[2] rand(seed=2)
  %y = conv(%n, %w, %b) {strides=[2,2]}
  output "y" = %y
}
# expect
graph before_conv {
  %x = input f32[N,3,4,4]
  %w.folded.1 = const f32[2,3,3,3] opaque
  %b.folded.1 = const f32[2] [-1.245375, -7.4931564]
  %y = conv(%x, %w.folded.1, %b.folded.1) {strides=[2, 2], pads=[0, 0, 0, 0], dilations=[1, 1], group=1} -> f32[N,2,1,1]
  output "y" = %y
}
