"""Processor time of ways to return kept elements to their places on SPU; none of them sends a byte.

usage: put_back.py [MASKS.safetensors]

16,384 elements under random masks of 10 % and 50 %, or every layer of a mask file. Each way does the same whole step:
gather the kept elements, ReLU, put back.

nothing      the kept elements stay in front: what gathering and the ReLU cost alone (its result is wrong on purpose)
permutation  one gather from (all, kept, zero) by a permutation: what relinc emits
arguments    the same, indices as public arguments instead of constants in the program
select       a gather spreads the kept ones, a public mask chooses
shifts       blocks of 1,024: kept ones are padded, then moved by halving shifts, each chosen by a public mask
rows         only rows of 4 with a moved element are gathered, then whole rows
"""

import json
import struct
import sys

import numpy as np

from micro import Body, measure, tensor

IDENTITY, RELU, ZERO = 0, 1, 2


class Step(Body):
    def __init__(self, mask, arguments):
        super().__init__()
        self.n, self.mask, self.arguments, self.arrays = len(mask), mask, arguments, []
        self.kept = np.flatnonzero(mask == RELU)

    def constant(self, a, element):
        if self.arguments:
            self.arrays.append((a, element))
            return f"%c{len(self.arrays)}"
        raw = np.packbits(a, bitorder="little") if element == "i1" else a
        return self.put(f'stablehlo.constant dense<"0x{raw.tobytes().hex().upper()}"> : {tensor(a.shape, element)}')

    def gather(self, x, shape, indices):
        """Rows (or elements) of a matrix by number."""
        rows = shape[0] > 1
        axis, width = (0, shape[1]) if rows else (1, 1)
        i = self.constant(indices.astype(np.int32).reshape(-1, 1), "i32")
        out = [len(indices), width] if rows else [1, len(indices)]
        dims = (
            f"#stablehlo.gather<offset_dims = [{1 - axis}], collapsed_slice_dims = [{axis}], "
            f"start_index_map = [{axis}], index_vector_dim = 1>"
        )
        return self.put(
            f'"stablehlo.gather"({x}, {i}) {{dimension_numbers = {dims}, slice_sizes = array<i64: 1, {width}>, '
            f"indices_are_sorted = false}} : ({tensor(shape)}, {tensor([len(indices), 1], 'i32')}) -> {tensor(out)}"
        )

    def slice(self, x, n, a, b):
        return self.put(f"stablehlo.slice {x} [0:1, {a}:{b}] : ({tensor([1, n])}) -> {tensor([1, b - a])}")

    def join(self, parts):
        names, sizes = zip(*parts)
        types = ", ".join(tensor([1, s]) for s in sizes)
        return self.put(
            f"stablehlo.concatenate {', '.join(names)}, dim = 1 : ({types}) -> {tensor([1, sum(sizes)])}"
        )

    def pad(self, x, n, after):
        zero = self.put("stablehlo.constant dense<0.0> : tensor<f32>")
        return self.put(
            f"stablehlo.pad {x}, {zero}, low = [0, 0], high = [0, {after}], interior = [0, 0] : "
            f"({tensor([1, n])}, tensor<f32>) -> {tensor([1, n + after])}"
        )

    def choose(self, where, a, b):
        m = self.constant(where.reshape(1, -1), "i1")
        t = tensor([1, self.n])
        return self.put(f"stablehlo.select {m}, {a}, {b} : {tensor([1, self.n], 'i1')}, {t}")

    def relus(self):
        picked, t = self.gather("%x", [1, self.n], self.kept), tensor([1, len(self.kept)])
        zero = self.put(f"stablehlo.constant dense<0.0> : {t}")
        return self.put(f"stablehlo.maximum {picked}, {zero} : {t}")

    def everything(self, relus):
        """(all, kept, zero) in one row, its length, and where each place reads from."""
        n, k = self.n, len(self.kept)
        first = self.slice("%x", n, 0, 1)
        zero = self.put(f"stablehlo.subtract {first}, {first} : {tensor([1, 1])}")
        places = np.arange(n)
        places[self.kept] = n + np.arange(k)
        places[self.mask == ZERO] = n + k
        return self.join([("%x", n), (relus, k), (zero, 1)]), n + k + 1, places

    def text(self, y):
        text = self.module([("%x", [1, self.n])], y, [1, self.n])
        more = "".join(f", %c{i + 1}: {tensor(a.shape, e)}" for i, (a, e) in enumerate(self.arrays))
        return text.replace(") -> ", more + ") -> ", 1), [a for a, _ in self.arrays]


def shifts(s, relus, block=1024):
    parts, moves, at = [], {}, 0
    for start in range(0, s.n, block):
        kept = s.kept[(s.kept >= start) & (s.kept < start + block)] - start
        k, size = len(kept), min(block, s.n - start)
        if k:
            parts.append((s.pad(s.slice(relus, len(s.kept), at, at + k), k, size - k), size))
        else:
            parts.append((s.slice("%x", s.n, start, start + size), size))
        at, places = at + k, np.arange(k)
        way = kept - places
        for bit in (1 << b for b in reversed(range(block.bit_length()))):
            places = places + np.where(way & bit, bit, 0)
            moves.setdefault(bit, np.zeros(s.n, bool))[start + places[(way & bit) != 0]] = True
    y = s.join(parts)
    for bit, where in moves.items():
        if where.any():
            shifted = s.join([(s.slice(y, s.n, 0, bit), bit), (s.slice(y, s.n, 0, s.n - bit), s.n - bit)])
            y = s.choose(where, shifted, y)
    return kept_or_zero(s, y)


def kept_or_zero(s, spread):
    y = s.choose(s.mask == RELU, spread, "%x")
    if (s.mask == ZERO).any():
        y = s.choose(s.mask == ZERO, s.put(f"stablehlo.constant dense<0.0> : {tensor([1, s.n])}"), y)
    return y


def rows(s, relus, width=4):
    line, length, places = s.everything(relus)
    count = s.n // width
    moved = np.flatnonzero((s.mask.reshape(count, width) != IDENTITY).any(1))
    new = s.gather(line, [1, length], places.reshape(count, width)[moved].reshape(-1))
    total = count + len(moved)
    both = s.join([("%x", s.n), (new, len(moved) * width)])
    both = s.put(f"stablehlo.reshape {both} : ({tensor([1, total * width])}) -> {tensor([total, width])}")
    source = np.arange(count)
    source[moved] = count + np.arange(len(moved))
    y = s.gather(both, [total, width], source)
    return s.put(f"stablehlo.reshape {y} : ({tensor([count, width])}) -> {tensor([1, s.n])}")


def program(way, mask):
    s = Step(mask, way in ("arguments", "shifts", "select"))
    relus = s.relus()
    if way == "nothing":
        y = s.pad(relus, len(s.kept), s.n - len(s.kept))
    elif way == "shifts":
        y = shifts(s, relus)
    elif way == "rows":
        y = rows(s, relus)
    elif way == "select":
        rank = np.cumsum(mask == RELU) - 1
        y = kept_or_zero(s, s.gather(relus, [1, len(s.kept)], np.where(mask == RELU, rank, 0)))
    else:
        line, length, places = s.everything(relus)
        y = s.gather(line, [1, length], places)
    return s.text(y)


def masks():
    if len(sys.argv) > 1:
        raw = open(sys.argv[1], "rb").read()
        size = struct.unpack("<Q", raw[:8])[0]
        for name, entry in sorted(json.loads(raw[8 : 8 + size]).items()):
            if name.startswith("relu") and entry["dtype"] == "U8":
                a, b = (8 + size + o for o in entry["data_offsets"])
                yield name, np.frombuffer(raw[a:b], np.uint8)
        return
    rng = np.random.default_rng(0)
    for share in (0.1, 0.5):
        mask = np.zeros(16384, np.uint8)
        mask[rng.permutation(16384)[: int(16384 * share)]] = RELU
        yield f"random {share:.0%}", mask


def main():
    for name, mask in masks():
        if not 0 < (mask == RELU).sum() < len(mask):
            continue
        x = np.random.default_rng(1).normal(size=(1, len(mask))).astype(np.float32)
        want = np.where(mask == RELU, np.maximum(x[0], 0), np.where(mask == ZERO, 0, x[0]))
        line = [f"{name}: {(mask == RELU).sum()} kept, {(mask == ZERO).sum()} zero of {len(mask)}; cpu ms"]
        for way in ("nothing", "permutation", "arguments", "select", "shifts", "rows"):
            text, arrays = program(way, mask)
            visible = ["secret"] + ["public"] * len(arrays)
            runs = [measure(text, [x, *arrays], visible, calls=20) for _ in range(2)]
            got, calls, _ = runs[0]
            assert way == "nothing" or np.abs(got[0] - want).max() < 1e-4, way
            assert calls[0]["sent_bytes"] == 72 * (mask == RELU).sum(), way
            line.append(f"{way} {1e3 * min(r[2] for r in runs):.1f}")
        print("  ".join(line), flush=True)


if __name__ == "__main__":
    main()
