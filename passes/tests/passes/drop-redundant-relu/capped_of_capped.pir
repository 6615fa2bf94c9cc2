# run: drop-redundant-relu
graph capped_of_capped {
  %x = input f32[N,4]
  %a = capped_relu(%x) {cap=1} @relu00
  %b = capped_relu(%a) {cap=1.5} @relu01
  output "y" = %b
}
# expect
graph capped_of_capped {
  %x = input f32[N,4]
  %a = capped_relu(%x) {cap=1.0} @relu00 -> f32[N,4]
  output "y" = %a
}
