"""Measures how SPU truncates products: the distribution of result − exact value in units of the last place.

usage: truncation.py

Multiplies known numbers under each protocol, elementwise and as a matrix product, and prints one JSON document with the
share of results one below, at and one above the floor, and the mean error. Exits 1 when a protocol does not do what
docs/fixed-point.md says of it.
"""

import concurrent.futures
import json
import os
import sys

import numpy as np
import spu.api
import spu.libspu as lib

FRACTION = 8  # few enough for f32 to hold every product exactly
N = 20_000
DOT = (100, 9)


def run(text, arrays, protocol, parties, msb_error=False):
    """Runs a program of secret inputs on all parties in this process."""

    def config():
        c = lib.RuntimeConfig()
        c.protocol, c.field = getattr(lib.ProtocolKind, protocol), lib.FieldType.FM64
        c.fxp_fraction_bits, c.trunc_allow_msb_error = FRACTION, msb_error
        return c

    visibility = [lib.Visibility.VIS_SECRET] * len(arrays)
    source = lib.CompilationSource(lib.SourceIRType.STABLEHLO, text.encode(), visibility)
    code = spu.api.compile(source, lib.CompilerOptions())
    io = spu.api.Io(parties, config())
    shares = [io.make_shares(a, v) for a, v in zip(arrays, visibility)]
    links = lib.link.Desc()
    for rank in range(parties):
        links.add_party(f"party{rank}", f"mem{rank}")
    names = [f"a{i}" for i in range(len(arrays))]

    def party(rank):
        runtime = spu.api.Runtime(lib.link.create_mem(links, rank), config())
        for name, share in zip(names, shares):
            runtime.set_var(name, share[rank])
        runtime.run(lib.Executable("truncation", names, ["out"], code))
        return runtime.get_var("out")

    with concurrent.futures.ThreadPoolExecutor(parties) as pool:
        return np.asarray(io.reconstruct(list(pool.map(party, range(parties)))))


def elementwise(rng):
    a, b = rng.integers(-1000, 1000, (2, N))
    t = f"tensor<{N}xf32>"
    body = f"%0 = stablehlo.multiply %a, %b : {t}"
    return f"module @m {{ func.func @main(%a: {t}, %b: {t}) -> {t} {{ {body}\n return %0 : {t} }} }}", a, b, a * b


def matrix(rng):
    n, k = DOT
    a, b = rng.integers(-1000, 1000, (n, k)), rng.integers(-1000, 1000, (k, n))
    ta, tb, ty = f"tensor<{n}x{k}xf32>", f"tensor<{k}x{n}xf32>", f"tensor<{n}x{n}xf32>"
    body = f"%0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : ({ta}, {tb}) -> {ty}"
    return f"module @m {{ func.func @main(%a: {ta}, %b: {tb}) -> {ty} {{ {body}\n return %0 : {ty} }} }}", a, b, a @ b


# protocol, parties, trunc_allow_msb_error: mean error, and which of −1, 0, 1 above the floor occur
EXPECTED = {
    ("SEMI2K", 2, False): (0.0, {0, 1}),
    ("SEMI2K", 3, False): (0.0, {0, 1}),
    ("ABY3", 3, False): (0.0, {0, 1}),
    ("SEMI2K", 2, True): (-1.0, {-1, 0}),
    ("CHEETAH", 2, False): (-0.5, {-1, 0, 1}),
}


def main() -> int:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # SPU logs to stdout
    found, failed = [], []
    for (protocol, parties, msb_error), (bias, steps) in EXPECTED.items():
        for kind in (elementwise, matrix):
            text, a, b, exact = kind(np.random.default_rng(0))
            arrays = [np.float32(v / 2**FRACTION) for v in (a, b)]
            got = np.round(run(text, arrays, protocol, parties, msb_error).astype(np.float64) * 2**FRACTION)
            above = got.astype(np.int64) - (exact >> FRACTION)
            mean = float((got - exact / 2**FRACTION).mean())
            shares = {int(v): round(float((above == v).mean()), 3) for v in np.unique(above)}
            what = f"{protocol} {parties} parties{' with msb error' if msb_error else ''}, {kind.__name__}"
            found.append({"what": what, "above_floor": shares, "mean_error_ulp": round(mean, 3)})
            if set(shares) != steps or abs(mean - bias) > 0.05:
                failed.append(what)
    print(json.dumps({"truncation": found, "failed": failed}), file=out, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
