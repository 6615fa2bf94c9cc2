# run: compact-relu fold-scale-and-bias drop-dead
; The first channel keeps no ReLU and takes its slope for nothing; the second has no identity element and no use for one.
graph slopes_of_linear_channels {
  %x = input f32[N,4]
  %w = const f32[2,4] rand(seed=1)
  %c = linear(%x, %w)
  %m = const u8[2] [0, 1]
  %s = const f32[2] [0.5, 3.0]
  %y = masked_relu(%c, %m, slope=%s) @relu00
  output "y" = %y
}
# expect
graph slopes_of_linear_channels {
  %x = input f32[N,4]
  %w.folded = const f32[2,4] [0.06656152, 0.24578172, 0.4710027, -0.055640817, -0.1114707, 0.52578866, 0.7546973, 0.046134353]
  %relu00.scaled = linear(%x, %w.folded) -> f32[N,2]
  %relu00.kept = const i64[1] [1]
  %relu00.gathered = gather(%relu00.scaled, %relu00.kept) {axis=1} @relu00 -> f32[N,1]
  %relu00.relu = relu(%relu00.gathered) @relu00 -> f32[N,1]
  %relu00.joined = concat(%relu00.scaled, %relu00.relu) {axis=1} @relu00 -> f32[N,3]
  %relu00.places = const i64[2] [0, 2]
  %y = gather(%relu00.joined, %relu00.places) {axis=1} @relu00 -> f32[N,2]
  output "y" = %y
}
