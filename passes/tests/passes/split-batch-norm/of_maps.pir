# run: split-batch-norm
graph of_maps {
  %x = input f32[N,2,3,3]
  %gamma = const f32[2] [1.5, -0.5]
  %beta = const f32[2] [0.25, -1.0]
  %mean = const f32[2] [0.1, 0.2]
  %var = const f32[2] [0.5, 2.0]
  %n = batch_norm(%x, %gamma, %beta, %mean, %var) {eps=0.01}
  %y = relu(%n)
  output "y" = %y
}
# expect
graph of_maps {
  %x = input f32[N,2,3,3]
  %n.scale = const f32[2,1,1] [2.1004202, -0.35267282]
  %n.shift = const f32[2,1,1] [0.039957985, -0.9294654]
  %n.scaled = mul(%x, %n.scale) -> f32[N,2,3,3]
  %n = add(%n.scaled, %n.shift) -> f32[N,2,3,3]
  %y = relu(%n) -> f32[N,2,3,3]
  output "y" = %y
}
