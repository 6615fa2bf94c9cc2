"""CROWN in double precision, written apart from relinc's: its margins beside those of `relinc certify --method crown --json`.

    relinc certify resnet_2b.onnx --data 'cifar10:DIR?normalize=cifar10' --eps 2/255 --method crown --real --limit 50 --restarts 0 --json > found.json
    python crown.py resnet_2b.onnx DIR found.json

Convolutions are dense matrices here, found by running them on unit vectors; only numpy and onnx are needed. It knows networks of
Conv, Gemm, Add, Relu and Flatten.
"""

import argparse
import json
import lzma
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

MEAN = np.array([0.4914, 0.4822, 0.4465], np.float32).astype(np.float64)
STD = np.array([0.2470, 0.2435, 0.2616], np.float32).astype(np.float64)


def conv(x, w, strides, pads):
    """x [N,C,H,W], w [O,C,kh,kw], no groups and no dilations."""
    x = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
    windows = windows[:, :, :: strides[0], :: strides[1]]
    return np.einsum("nchwij,ocij->nohw", windows, w, optimize=True)


def network(path):
    """Layers in order: (name, kind, operands, matrix, bias); matrices are [outputs, inputs]."""
    m = onnx.load(path)
    weights = {t.name: numpy_helper.to_array(t).astype(np.float64) for t in m.graph.initializer}
    entry = next(i for i in m.graph.input if i.name not in weights)
    shapes = {entry.name: tuple(d.dim_value or 1 for d in entry.type.tensor_type.shape.dim)}
    layers, same = [], {}
    for n in m.graph.node:
        a = {x.name: onnx.helper.get_attribute_value(x) for x in n.attribute}
        reads = [same.get(i, i) for i in n.input if i not in weights]
        out, shape = n.output[0], shapes[n.input[0]]
        if n.op_type == "Conv":
            w = weights[n.input[1]]
            assert a.get("group", 1) == 1 and set(a.get("dilations", [1])) == {1}
            size = int(np.prod(shape))
            unit = np.eye(size).reshape((size,) + shape[1:])
            y = [conv(part, w, a["strides"], a["pads"]) for part in np.array_split(unit, 16)]
            y = np.concatenate(y)
            shapes[out] = (1,) + y.shape[1:]
            plane = y.shape[2] * y.shape[3]
            bias = weights[n.input[2]] if len(n.input) > 2 else np.zeros(w.shape[0])
            layers.append((out, "linear", reads, y.reshape(size, -1).T.copy(), np.repeat(bias, plane)))
        elif n.op_type == "Gemm":
            w = weights[n.input[1]]
            w = w if a.get("transB") else w.T
            shapes[out] = (1, w.shape[0])
            layers.append((out, "linear", reads, w, weights[n.input[2]]))
        elif n.op_type == "Add":
            shapes[out] = shape
            layers.append((out, "add", reads, None, None))
        elif n.op_type == "Relu":
            shapes[out] = shape
            layers.append((out, "relu", reads, None, None))
        elif n.op_type == "Flatten":
            shapes[out] = (1, int(np.prod(shape)))
            same[out] = reads[0]
        else:
            raise SystemExit(f"{n.op_type} is not known here")
    return entry.name, layers


class Crown:
    """After `margins`, `intervals` has what each ReLU's operand was between before linear functions bounded it, in the network's order."""

    def __init__(self, entry, layers):
        self.entry, self.layers = entry, layers

    def backward(self, at, rows, bounds):
        """Lower bounds of rows @ value of layer number `at`."""
        reached, total = {self.layers[at][0]: rows}, np.zeros(len(rows))
        for out, kind, reads, w, b in reversed(self.layers[: at + 1]):
            g = reached.pop(out, None)
            if g is None:
                continue
            if kind == "linear":
                total += g @ b
                back = [g @ w]
            elif kind == "add":
                back = [g, g]
            else:
                low, high = bounds[reads[0]]
                crosses = (low < 0) & (high > 0)
                width = np.where(crosses, high - low, 1.0)
                upper = np.where(crosses, high / width, (low >= 0).astype(float))
                lower = np.where(crosses, (high > -low).astype(float), (low >= 0).astype(float))
                shift = np.where(crosses, -low * high / width, 0.0)
                positive = g > 0
                total += np.where(positive, 0.0, g) @ shift
                back = [np.where(positive, g * lower, g * upper)]
            for r, v in zip(reads, back):
                reached[r] = reached[r] + v if r in reached else v
        a, (low, high) = reached[self.entry], bounds[self.entry]
        return total + np.where(a >= 0, a * low, a * high).sum(1)

    def margins(self, low, high, label):
        bounds, self.intervals = {self.entry: (low, high)}, []
        for at, (out, kind, reads, w, b) in enumerate(self.layers):
            if kind == "linear":
                l, h = bounds[reads[0]]
                c, r = w @ ((l + h) / 2) + b, np.abs(w) @ ((h - l) / 2)
                bounds[out] = (c - r, c + r)
            elif kind == "add":
                bounds[out] = tuple(x + y for x, y in zip(bounds[reads[0]], bounds[reads[1]]))
            else:
                # The operand of a ReLU: elements whose interval has both signs are bounded backward, too.
                l, h = bounds[reads[0]]
                self.intervals.append((l, h))
                open_ = np.flatnonzero((l < 0) & (h > 0))
                before = [i for i, layer in enumerate(self.layers) if layer[0] == reads[0]][0]
                if len(open_):
                    rows = np.zeros((2 * len(open_), len(l)))
                    rows[np.arange(len(open_)), open_] = 1
                    rows[len(open_) + np.arange(len(open_)), open_] = -1
                    found = self.backward(before, rows, bounds)
                    l, h = l.copy(), h.copy()
                    l[open_] = np.maximum(l[open_], found[: len(open_)])
                    h[open_] = np.minimum(h[open_], -found[len(open_) :])
                    bounds[reads[0]] = (l, h)
                bounds[out] = (np.maximum(l, 0), np.maximum(h, 0))
        classes = len(bounds[self.layers[-1][0]][0])
        others = [c for c in range(classes) if c != label]
        rows = np.zeros((len(others), classes))
        rows[:, label] = 1
        rows[np.arange(len(others)), others] -= 1
        return dict(zip(others, self.backward(len(self.layers) - 1, rows, bounds)))


def test_images(folder):
    """Pixels [N,3072] and labels of the test images, from test_batch.bin or .bin.xz."""
    path = Path(folder) / "test_batch.bin"
    raw = path.read_bytes() if path.exists() else lzma.open(f"{path}.xz").read()
    records = np.frombuffer(raw, np.uint8).reshape(-1, 3073)
    return records[:, 1:], records[:, 0]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model")
    p.add_argument("data")
    p.add_argument("found", help="what relinc certify --method crown --real --json printed")
    a = p.parse_args()
    found = json.loads(Path(a.found).read_text())
    pixels, labels = test_images(a.data)
    crown = Crown(*network(a.model))
    worst, largest, seconds, n, agree = 0.0, 0.0, 0.0, 0, 0
    for image in (i for i in found["images"] if i["margin"] is not None):
        x = pixels[image["image"]].astype(np.float64).reshape(3, 1024) / 255
        box = [((v - MEAN[:, None]) / STD[:, None]).ravel() for v in (np.maximum(x - found["eps"], 0), np.minimum(x + found["eps"], 1))]
        start = time.time()
        margins = crown.margins(*box, int(labels[image["image"]]))
        seconds += time.time() - start
        n += 1
        mine, theirs = margins[image["against"]], image["margin"]
        difference = abs(mine - theirs)
        largest = max(largest, difference)
        worst = max(worst, difference / max(1.0, abs(mine)))
        agree += (min(margins.values()) > 0) == (image["verdict"] == "certified")
    print(f"{n} images: largest difference {largest:.2e}, of max(1, |margin|) {worst:.2e}; {agree} verdicts alike; {seconds / n:.3f} s an image here")


if __name__ == "__main__":
    main()
