"""Traffic of one convolution on SPU in three forms.

usage: conv_forms.py PROTOCOL WEIGHTS [RING]

direct: stablehlo.convolution. taps: one product over all taps on ring integers, shift-adds, one truncation, as relinc
emits. fixed: the same with fixed-point products, each of which is truncated. Weights: secret, server or public.
Prints one line a shape and form; bytes and actions are rank 0's, the first call of a fresh process and later ones.
"""

import sys

import numpy as np
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from micro import Body, measure, tensor

SHAPES = [  # input channels, output channels, size, kernel, stride, padding
    (16, 16, 32, 3, 1, 1),
    (3, 16, 32, 3, 1, 1),
    (16, 32, 32, 3, 2, 1),
    (64, 64, 8, 3, 1, 1),
    (8, 24, 8, 5, 1, 2),
    (4, 4, 8, 2, 1, 0),
    (5, 7, 9, 3, 2, 0),
]


def direct(xs, ws, out, stride, pad):
    b = Body()
    y = b.put(
        "stablehlo.convolution(%x, %w) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = "
        f"{{stride = [{stride}, {stride}], pad = [[{pad}, {pad}], [{pad}, {pad}]], rhs_dilate = [1, 1]}} "
        "{batch_group_count = 1 : i64, feature_group_count = 1 : i64} : "
        f"({tensor(xs)}, {tensor(ws)}) -> {tensor(out)}"
    )
    return b.module([("%x", xs), ("%w", ws), ("%unit", [])], y, out)


def taps(xs, ws, out, stride, pad, ring):
    b = Body()
    (_, ci, h, w), (co, _, k, _) = xs, ws
    e, n, size = ("i32" if ring else "f32"), k * k, h * w
    cast = lambda v, s, a, z: b.put(f"stablehlo.bitcast_convert {v} : ({tensor(s, a)}) -> {tensor(s, z)}") if ring else v
    x = b.put(f"stablehlo.reshape %x : ({tensor(xs)}) -> {tensor([ci, size])}")
    v = b.put(f"stablehlo.transpose %w, dims = [2, 3, 0, 1] : ({tensor(ws)}) -> {tensor([k, k, co, ci])}")
    v = b.put(f"stablehlo.reshape {v} : ({tensor([k, k, co, ci])}) -> {tensor([n * co, ci])}")
    x, v = cast(x, [ci, size], "f32", e), cast(v, [n * co, ci], "f32", e)
    types = f"({tensor([n * co, ci], e)}, {tensor([ci, size], e)}) -> {tensor([n * co, size], e)}"
    y = b.put(f"stablehlo.dot_general {v}, {x}, contracting_dims = [1] x [0] : {types}")
    y = b.put(f"stablehlo.reshape {y} : ({tensor([n * co, size], e)}) -> {tensor([n, co, h, w], e)}")
    padded = [n, co, h + 2 * pad, w + 2 * pad]
    if pad:
        zero = b.put(f"stablehlo.constant dense<{'0' if ring else '0.0'}> : {tensor([], e)}")
        y = b.put(
            f"stablehlo.pad {y}, {zero}, low = [0, 0, {pad}, {pad}], high = [0, 0, {pad}, {pad}], "
            f"interior = [0, 0, 0, 0] : ({tensor([n, co, h, w], e)}, {tensor([], e)}) -> {tensor(padded, e)}"
        )
    span, total = (out[2] - 1) * stride + 1, None
    for t in range(n):
        i, j = divmod(t, k)
        place = f"[{t}:{t + 1}, 0:{co}, {i}:{i + span}:{stride}, {j}:{j + span}:{stride}]"
        s = b.put(f"stablehlo.slice {y} {place} : ({tensor(padded, e)}) -> {tensor(out, e)}")
        total = s if total is None else b.put(f"stablehlo.add {total}, {s} : {tensor(out, e)}")
    if ring:
        total = cast(total, out, e, "f32")
        unit = b.put(f"stablehlo.broadcast_in_dim %unit, dims = [] : ({tensor([])}) -> {tensor(out)}")
        total = b.put(f"stablehlo.multiply {total}, {unit} : {tensor(out)}")
    return b.module([("%x", xs), ("%w", ws), ("%unit", [])], total, out)


def reference(x, w, stride, pad):
    node = helper.make_node("Conv", ["x", "w"], ["y"], strides=[stride] * 2, pads=[pad] * 4)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph([node], "g", [value("x", x.shape), value("w", w.shape)], [value("y", None)])
    return ReferenceEvaluator(helper.make_model(graph)).run(None, {"x": x, "w": w})[0]


def main():
    protocol, weights, ring = sys.argv[1], sys.argv[2], int((sys.argv[3:] or [64])[0])
    unit = np.float32(2.0 ** -{32: 8, 64: 18, 128: 26}[ring])
    rng = np.random.default_rng(1)
    for ci, co, size, k, stride, pad in SHAPES:
        x = rng.normal(size=(1, ci, size, size)).astype(np.float32)
        w = (rng.normal(size=(co, ci, k, k)) / (k * ci**0.5)).astype(np.float32)
        want = reference(x, w, stride, pad)
        at = (x.shape, w.shape, want.shape, stride, pad)
        for form, text in (("direct", direct(*at)), ("taps", taps(*at, True)), ("fixed", taps(*at, False))):
            got, calls, cpu = measure(text, [x, w, unit], ["secret", weights, "public"], protocol, ring, calls=3)
            traffic = sorted({(c["sent_bytes"], c["recv_bytes"], c["send_actions"]) for c in calls})
            print(
                f"{protocol} {ring} {weights} {ci}->{co} {k}x{k} s{stride} {size}x{size} {form}: sent, received, actions "
                f"{traffic}, error {np.abs(got - want).max():.0e}, cpu {cpu:.3f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
