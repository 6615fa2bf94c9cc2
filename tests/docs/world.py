"""The small world that the pages' commands run in: files under the names that the pages use."""

import os
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

TRAIN, TEST = 200, 60
# What a pipeline that is shown asks for, and what it asks for here.
SMALLER = [(r"&train=\d+", ""), (r"epochs: \d+", "epochs: 1, batch: 32"), (r"layers: \d+", "layers: 4"), (r"limit: \d+", "limit: 40")]
PIPELINE = """model: model.onnx
data: "cifar10:DIR"
stages:
  - {stage: search, method: gradual, budget: 30%, epochs: 1, batch: 32}
  - {stage: tune, epochs: 1, batch: 32}
targets: [onnx, spu]
accuracy: {limit: 40}
report: {protocols: [spu-semi2k], networks: [wan]}
"""


def npy(path):
    """The bytes of a .npy file of u8."""
    data = path.read_bytes()
    assert b"'descr': '|u1'" in data[:128], path
    return data[10 + struct.unpack("<H", data[8:10])[0] :]


def png(path, planes, side):
    """Writes planes of R, G and B as a PNG."""
    at = side * side
    rows = b"".join(b"\0" + bytes(planes[c * at + y * side + x] for x in range(side) for c in range(3)) for y in range(side))
    out = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        out += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    path.write_bytes(out)


def idx(path, dims, body):
    path.write_bytes(struct.pack(">HBB", 0, 8, len(dims)) + b"".join(struct.pack(">I", d) for d in dims) + body)


def make(there, relinc, root):
    """Fills a folder with what the pages speak of."""
    (there / "data").mkdir(parents=True)
    quiet = dict(check=True, cwd=there, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run([relinc, "data", f"shapes?train={TRAIN}&val={TEST}", "-o", "drawn"], **quiet)
    images = {}
    for split, n in (("train", TRAIN), ("test", TEST)):
        pixels, labels = npy(there / f"drawn/{split}_images.npy"), npy(there / f"drawn/{split}_labels.npy")
        images[split] = [(labels[i], pixels[i * 3072 : (i + 1) * 3072]) for i in range(n)]
    records = {split: [bytes([label]) + planes for label, planes in found] for split, found in images.items()}
    for folder in ("DIR", "data/cifar10"):
        (there / folder).mkdir()
        for batch in range(5):
            part = records["train"][batch * TRAIN // 5 : (batch + 1) * TRAIN // 5]
            (there / folder / f"data_batch_{batch + 1}.bin").write_bytes(b"".join(part))
        (there / folder / "test_batch.bin").write_bytes(b"".join(records["test"]))
    (there / "data/mnist").mkdir()
    for split, prefix in (("train", "train"), ("test", "t10k")):
        of = images[split]
        grey = b"".join(planes[y * 32 + 2 : y * 32 + 30] for _, planes in of for y in range(2, 30))
        idx(there / f"data/mnist/{prefix}-images-idx3-ubyte", [len(of), 28, 28], grey)
        idx(there / f"data/mnist/{prefix}-labels-idx1-ubyte", [len(of)], bytes(label for label, _ in of))
    for number, (label, planes) in enumerate(images["train"][:120]):
        folder = there / f"pets/{'abcdefghij'[label]}"
        folder.mkdir(parents=True, exist_ok=True)
        png(folder / f"{number}.png", planes, 32)
    network = root / "examples/quickstart/shapes_resnet.onnx"
    for name in ("model.onnx", "resnet20.onnx"):
        (there / name).write_bytes(network.read_bytes())
    subprocess.run([relinc, "architecture", "--kind", "resnet", "--depth", "20", "--classes", "10", "--input", "1", "28", "28", "-o", "lenet.onnx"], **quiet)
    subprocess.run([relinc, "architecture", "--kind", "wide-resnet", "--depth", "10", "--width", "1", "--input", "3", "64", "64", "-o", "net.onnx"], **quiet)
    subprocess.run([relinc, "compile", "model.onnx", "--budget", "60%", "--data", "cifar10:DIR", "--rounds", "1", "-o", "first"], **quiet)
    (there / "masks.safetensors").write_bytes((there / "first/masks.safetensors").read_bytes())
    (there / "examples").mkdir()
    for name in ("quickstart", "slurm", "gpu"):
        (there / "examples" / name).symlink_to(root / "examples" / name)
    small = (root / "examples/quickstart.yaml").read_text(encoding="utf-8")
    small = re.sub(r"train=\d+", f"train={TRAIN}&val={TEST}", small)
    (there / "examples/quickstart.yaml").write_text(re.sub(r"epochs: \d+", "epochs: 1", small), encoding="utf-8")
    for name in ("specs", "tests", "benches", "book"):
        (there / name).symlink_to(root / name)
    tools = there / "bin"
    tools.mkdir()
    (tools / "relinc").symlink_to(relinc)
    python = os.environ.get("RELINC_PYTHON") or sys.executable
    scripts = {
        "cargo": 'while [ "${1:-}" ]; do if [ "$1" = -- ]; then shift; exec relinc "$@"; fi; [ "$1" = run ] && run=1; [ "${run:-}" ] || exit 0; shift; done',
        "pip": "exit 0",
        "python": f'exec "{python}" "$@"',
    }
    for name, body in scripts.items():
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    target = there / "target/release"
    target.mkdir(parents=True)
    (target / "relinc").symlink_to(relinc)
    return there


def pipeline(there, text):
    """The pipeline that a page shows, with one epoch a stage and few images, or a small one; none where the page has one written."""
    if re.search(r"relinc init .* -o pipeline\.yaml", text):
        return
    shown = re.search(r"`pipeline\.yaml`:\s*```yaml\n(.*?)^```", text, re.M | re.S)
    yaml = shown[1] if shown else PIPELINE
    for pattern, small in SMALLER if shown else []:
        yaml = re.sub(pattern, small, yaml)
    (there / "pipeline.yaml").write_text(yaml, encoding="utf-8")


def environment(there):
    return {**os.environ, "PATH": f"{there / 'bin'}:{os.environ['PATH']}", "RELINC_PYTHON": os.environ.get("RELINC_PYTHON") or sys.executable}
