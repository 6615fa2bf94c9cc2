# run: drop-redundant-relu
; Both comparisons of the second stay, though it reads nothing negative.
graph no_cap_that_works {
  %x = input f32[N,4]
  %a = capped_relu(%x) {cap=1.5} @relu00
  %b = capped_relu(%a) {cap=1} @relu01
  output "y" = %b
}
# expect
graph no_cap_that_works {
  %x = input f32[N,4]
  %a = capped_relu(%x) {cap=1.5} @relu00 -> f32[N,4]
  %b = capped_relu(%a) {cap=1.0} @relu01 -> f32[N,4]
  output "y" = %b
}
