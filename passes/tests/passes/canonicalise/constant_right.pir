# run: canonicalise
; Only commutative operations turn.
graph constant_right {
  %x = input f32[N,3]
  %c = const f32[3] [1.0, 2.0, 3.0]
  %a = add(%c, %x)
  %m = mul(%c, %a)
  %n = min(%c, %m)
  %s = sub(%c, %n)
  output "y" = %s
}
# expect
graph constant_right {
  %x = input f32[N,3]
  %c = const f32[3] [1.0, 2.0, 3.0]
  %a = add(%x, %c) -> f32[N,3]
  %m = mul(%a, %c) -> f32[N,3]
  %n = min(%m, %c) -> f32[N,3]
  %s = sub(%c, %n) -> f32[N,3]
  output "y" = %s
}
