# run: push-scale
; Both products a channel go into the one that has a factor a place.
graph another_product_takes_it {
  %x = input f32[N,2,4,4]
  %g0 = sigmoid(%x)
  %s = const f32[2,1,1] [0.5, 2.0]
  %m = mul(%g0, %s)
  %r = relu(%m) @relu00
  %p = const f32[2,4,1] [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
  %q = mul(%r, %p)
  %t = const f32[] [3.0]
  %o = mul(%q, %t)
  %g1 = sigmoid(%o)
  output "y" = %g1
}
# expect
graph another_product_takes_it {
  %x = input f32[N,2,4,4]
  %g0 = sigmoid(%x) -> f32[N,2,4,4]
  %r = relu(%g0) @relu00 -> f32[N,2,4,4]
  %p.scaled.1 = const f32[2,4,1] [1.5, 3.0, 4.5, 6.0, 30.0, 36.0, 42.0, 48.0]
  %o = mul(%r, %p.scaled.1) -> f32[N,2,4,4]
  %g1 = sigmoid(%o) -> f32[N,2,4,4]
  output "y" = %g1
}
