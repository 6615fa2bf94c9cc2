"""Traffic of comparisons, pools and products of two secrets on the installed SPU, one operation a program.

usage: spu_ops.py PROTOCOL [secret|server] [OPERATION ...]

Prints one line for each operation and size: elements (of a max pool: comparisons, outputs × (window − 1)), bytes that party 0
sends and receives, its send actions, seconds; of the first call of a process and of the later ones, and what a later one comes
to an element.  PROTOCOL is semi2k, semi2k-3pc, semi2k-ring32, semi2k-ring128, aby3 or cheetah.  The second
operand of `multiply` is a secret of nobody (the default) or party 0's (`server`).
"""

import math
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "mpc"))
import micro  # noqa: E402

SIZES = {"square": (16, 64, 1000, 4096, 8192, 8193, 12288, 16384, 20000, 32768, 65536)}
OTHER_SIZES = (64, 1000, 4096, 16384, 65536)
CALLS = 4


def binary(body, op, a, b, shape):
    return body.put(f"stablehlo.{op} {a}, {b} : {micro.tensor(shape)}")


def splat(body, value, shape):
    return body.put(f"stablehlo.constant dense<{value}> : {micro.tensor(shape)}")


def elementwise(op):
    def made(n):
        body, shape = micro.Body(), (n,)
        arguments = [("%x", shape), ("%y", shape)][: 2 if op in ("max", "multiply") else 1]
        if op == "relu":
            y = binary(body, "maximum", "%x", splat(body, "0.0", shape), shape)
        elif op == "clip":
            y = binary(body, "maximum", "%x", splat(body, "0.0", shape), shape)
            y = binary(body, "minimum", y, splat(body, "0.5", shape), shape)
        elif op == "max":
            y = binary(body, "maximum", "%x", "%y", shape)
        elif op == "square":
            y = binary(body, "multiply", "%x", "%x", shape)
        elif op == "multiply":
            y = binary(body, "multiply", "%x", "%y", shape)
        elif op == "scale":
            y = binary(body, "multiply", "%x", splat(body, "0.3", shape), shape)
        return body.module(arguments, y, shape), [s for _, s in arguments], n, 1

    return [made(n) for n in SIZES.get(op, OTHER_SIZES)]


def max_pool(kernel, stride, pad):
    def made(channels, side):
        body = micro.Body()
        out = (side + 2 * pad - kernel) // stride + 1
        shape, result = (1, channels, side, side), (1, channels, out, out)
        low = body.put("stablehlo.constant dense<0xFF800000> : tensor<f32>")
        y = body.put(
            f'"stablehlo.reduce_window"(%x, {low}) ({{\n    ^bb0(%a: tensor<f32>, %b: tensor<f32>):\n'
            f"      %c = stablehlo.maximum %a, %b : tensor<f32>\n      stablehlo.return %c : tensor<f32>\n    }}) "
            f"{{window_dimensions = array<i64: 1, 1, {kernel}, {kernel}>, "
            f"window_strides = array<i64: 1, 1, {stride}, {stride}>, "
            f"padding = dense<[[0, 0], [0, 0], [{pad}, {pad}], [{pad}, {pad}]]> : tensor<4x2xi64>}} : "
            f"({micro.tensor(shape)}, tensor<f32>) -> {micro.tensor(result)}")
        comparisons = channels * out * out * (kernel * kernel - 1)
        levels = math.ceil(math.log2(kernel * kernel))
        return body.module([("%x", shape)], y, result), [shape], comparisons, levels

    return [made(1, 8), made(4, 16), made(16, 16), made(16, 32)]


RUNS = {
    "semi2k": {"protocol": "semi2k"},
    "semi2k-3pc": {"protocol": "semi2k", "parties": 3},
    "semi2k-ring32": {"protocol": "semi2k", "field": 32},
    "semi2k-ring128": {"protocol": "semi2k", "field": 128},
    "aby3": {"protocol": "aby3"},
    "cheetah": {"protocol": "cheetah"},
}
OPERATIONS = {
    "relu": lambda: elementwise("relu"),
    "clip": lambda: elementwise("clip"),
    "max": lambda: elementwise("max"),
    "square": lambda: elementwise("square"),
    "multiply": lambda: elementwise("multiply"),
    "scale": lambda: elementwise("scale"),
    "max_pool 2x2 s2": lambda: max_pool(2, 2, 0),
    "max_pool 3x3 s2 p1": lambda: max_pool(3, 2, 1),
}


def off(name, arrays, out):
    """The largest error of a product of two secrets, in words."""
    if name not in ("square", "multiply"):
        return ""
    return f" error {np.abs(arrays[0] * arrays[-1] - out).max():.1e}"


def main():
    runs, wanted = RUNS[sys.argv[1]], sys.argv[2:]
    owner = "secret"
    if wanted and wanted[0] in ("secret", "server"):
        owner, wanted = wanted[0], wanted[1:]
    rng = np.random.default_rng(1)
    for name, programs in OPERATIONS.items():
        if wanted and not any(name.startswith(w) for w in wanted):
            continue
        for text, shapes, n, levels in programs():
            arrays = [rng.uniform(-1, 1, s).astype(np.float32) for s in shapes]
            visible = ["secret"] + [owner] * (len(arrays) - 1)
            out, calls, _ = micro.measure(text, arrays, visible, calls=CALLS, timeout=300, **runs)
            keys = ("sent_bytes", "recv_bytes", "send_actions", "seconds")
            first = [calls[0][k] for k in keys]
            later = [sum(c[k] for c in calls[1:]) / (len(calls) - 1) for k in keys]
            print(f"{name:<20} n {n:>6} levels {levels} first {first[0]:>9} {first[1]:>9} {first[2]:>5} {first[3]:.3f} "
                  f"later {later[0]:>11.1f} {later[1]:>11.1f} {later[2]:>6.1f} {later[3]:.3f} "
                  f"an element {later[0] / n:.3f} {later[1] / n:.3f}{off(name, arrays, out)}", flush=True)


if __name__ == "__main__":
    main()
