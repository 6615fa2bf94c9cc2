# run: canonicalise
; The way PyTorch's F.pad arrives: amounts in its own order, reversed and transposed into ONNX's.
graph pad_amounts {
  %x = input f32[N,2,3,3]
  %p = const i64[4] [1, 0, 2, 1]
  %four = const i64[1] [4]
  %fill = dyn.fill_int(%four) {value=0}
  %all = concat(%p, %fill) {axis=0}
  %pairs = const i64[2] [-1, 2]
  %rows = dyn.reshape(%all, %pairs)
  %b = const i64[1] [-1]
  %e = const i64[1] [-9223372036854775807]
  %a = const i64[1] [0]
  %st = const i64[1] [-1]
  %rev = dyn.slice(%rows, %b, %e, %a, %st)
  %cols = transpose(%rev) {perm=[1,0]}
  %flat = const i64[1] [-1]
  %amounts = dyn.reshape(%cols, %flat)
  %cast = cast(%amounts) {to=i64}
  %value = const f32[] [0.5]
  %y = dyn.pad(%x, %cast, %value)
  output "y" = %y
}
# expect
graph pad_amounts {
  %x = input f32[N,2,3,3]
  %y = pad(%x) {before=[0, 0, 2, 1], after=[0, 0, 1, 0], value=0.5} -> f32[N,2,6,4]
  output "y" = %y
}
