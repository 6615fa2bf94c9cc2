# run: compact-relu
graph all_capped_and_all_uncapped {
  %x = input f32[N,2,2]
  %one = const u8[2,2] splat(1)
  %four = const u8[2,2] splat(4)
  %a = masked_relu(%x, %one) {cap=0.75} @relu00
  %b = masked_relu(%x, %four) {cap=0.75} @relu01
  %y = add(%a, %b)
  output "y" = %y
}
# expect
graph all_capped_and_all_uncapped {
  %x = input f32[N,2,2]
  %b = relu(%x) @relu01 -> f32[N,2,2]
  %a = capped_relu(%x) {cap=0.75} @relu00 -> f32[N,2,2]
  %y = add(%a, %b) -> f32[N,2,2]
  output "y" = %y
}
