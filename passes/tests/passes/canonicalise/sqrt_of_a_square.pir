# run: canonicalise
graph sqrt_of_a_square {
  %x = input f32[N,3]
  %half = const f32[] [0.5]
  %q = mul(%x, %x)
  %a = sqrt(%q)
  %s = add(%x, %a)
  %y = mul(%s, %half)
  output "y" = %y
}
# expect
graph sqrt_of_a_square {
  %x = input f32[N,3]
  %y = relu(%x) -> f32[N,3]
  output "y" = %y
}
