#!/usr/bin/env python3
"""Do two builds of relinc give the same results?

    tests/same_results.py run BINARY OUT [--only NAME ...]
    tests/same_results.py compare A B [--allow GLOB ...]

`run` makes a fixed set of runs into OUT, about ten minutes of two cores: the quickstart, one-shot and trained searches of a
ResNet-20, every model of RELINC_SHARED/models under a mask drawn here for all targets, evaluations under masks, and what is
refused. `compare` lists every artefact, mask, log and report in which two such folders differ, but for times, versions and
what a checkpoint says it was made for; it exits 1 where something differs that no --allow (a glob over RUN/FILE) names.

Plain Python 3. RELINC_SHARED names the folder with models and data; without it only the runs that need none are made.
"""

import argparse
import fnmatch
import html
import json
import os
import pathlib
import random
import re
import resource
import struct
import subprocess
import sys
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
QUICK = ROOT / "examples/quickstart/shapes_resnet.onnx"
TARGETS = ["--target", "onnx", "--target", "spu", "--target", "crypten", "--target", "mp-spdz"]
RESNET20 = "resnet20_torch-legacy_bnfold_op13"
# How the shared models want their images; the others take ImageNet's normalisation.
NORMALISE = {
    "resnet18_cifar10_f16weights": "normalize=cifar10",
    "resnet_2b": "normalize=cifar10",
    "sri_resnet_a": "normalize=cifar10",
    "resnet8_tf2onnx_nhwc_op13": "scale=255",
    "resnet8_tf2onnx_nchw_op15": "scale=255",
    "cifar100_3class_resnet20_torch1.13_op9_inlinepreproc": "scale=255",
    "marabou_cifar10_large_tf2onnx": "normalize=none",
    "cifar_deep_kw": "normalize=mean=.485,.456,.406;std=.225",
}
# Seconds of computing, of all threads, and on the wall after which a run is ended, and then counts as failed.
LIMIT = 400
WALL = 1800


# ---------------------------------------------------------------- the runs


class Runs:
    """Makes runs of one binary in one folder: each leaves NAME/out, NAME/stdout, NAME/stderr and NAME/exit."""

    def __init__(self, binary, folder, only):
        self.binary, self.folder, self.only = str(pathlib.Path(binary).resolve()), pathlib.Path(folder), only
        shared = os.environ.get("RELINC_SHARED")
        self.shared = pathlib.Path(shared).resolve() if shared else None

    def model(self, name):
        return str(self.shared / "models" / f"{name}.onnx")

    def data(self, name, options=""):
        normalise = NORMALISE.get(name, "normalize=imagenet")
        return f"cifar10:{self.shared / 'data/cifar10'}?{normalise}{options}"

    def make(self, name, *args, out=True):
        if self.only and not any(fnmatch.fnmatch(name, o) for o in self.only):
            return
        place = self.folder / name
        place.mkdir(parents=True, exist_ok=True)
        args = [str(a) for a in args] + (["-o", f"{name}/out"] if out else [])
        started = time.time()
        try:
            limit = lambda: resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
            command = [self.binary, "--quiet", "--json", *args]
            done = subprocess.run(command, cwd=self.folder, capture_output=True, timeout=WALL, preexec_fn=limit)
            stdout, stderr, code = done.stdout, done.stderr, done.returncode
        except subprocess.TimeoutExpired as e:
            stdout, stderr, code = e.stdout or b"", e.stderr or b"", f"ended after {WALL} s"
        (place / "stdout").write_bytes(stdout)
        (place / "stderr").write_bytes(stderr)
        (place / "exit").write_text(f"{code}\n")
        self.render(place)
        print(f"{name}: exit {code}, {time.time() - started:.1f} s", flush=True)

    def render(self, place):
        """Puts the page and the text of a report without times in the place of those that the run wrote."""
        report, log = place / "out/report.json", place / "out/log.jsonl"
        if report.exists():
            report.write_text(json.dumps(timeless(json.loads(report.read_text()))))
            if log.exists():
                log.write_text("".join(json.dumps(timeless(json.loads(l))) + "\n" for l in log.read_text().splitlines()))
            # A report that is not the one its manifest lists is refused.
            manifest, aside = report.parent / "manifest.json", place / "manifest.json"
            if manifest.exists():
                manifest.rename(aside)
            # Without one, pages that are there would stay as the run wrote them.
            for page in ("report.html", "report.txt"):
                (report.parent / page).unlink(missing_ok=True)
            done = subprocess.run([self.binary, "--quiet", "report", report.parent], capture_output=True, timeout=WALL)
            if done.returncode:
                print(f"{place.name}: report: {done.stderr.decode(errors='replace').strip()}", flush=True)

    def layers(self, model):
        """Name and shape of each ReLU layer."""
        done = subprocess.run([self.binary, "--quiet", "--json", "inspect", model], capture_output=True, timeout=LIMIT)
        return [(l["name"], l["shape"]) for l in json.loads(done.stdout).get("layers", [])] if done.stdout else []

    def masks(self, name, model, slopes):
        """Draws masks of a model into NAME.safetensors: layers in turn are mixed, mixed with slopes, the identity and kept."""
        path = self.folder / f"{name}.safetensors"
        draw = random.Random(name)
        tensors = {}
        for i, (layer, shape) in enumerate(self.layers(model)):
            c, h, w = (shape + [1, 1])[:3]
            kind = i % 4
            values = {2: b"\0", 3: b"\1"}.get(kind, b"") * (c * h * w)
            if kind < 2:
                values = bytes(draw.choices([0, 1, 2], [4, 4, 2], k=c * h * w))
            tensors[layer] = ("U8", [c, h, w], values)
            if slopes and kind == 1:
                tensors[f"{layer}.slope"] = ("F32", [c], struct.pack(f"<{c}f", *draw.choices([0.25, 0.5, 1.0, 0.7, 3.0], k=c)))
        write_safetensors(path, tensors, {"relinc_masks": "1"})
        return str(path.name)

    def all(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.make("quickstart", "run", ROOT / "examples/quickstart.yaml")
        small = ["--data", "shapes?train=256&val=64", "--limit", "64", "--calibration", "64"]
        self.make("quick-oneshot", "compile", QUICK, "--budget", "30%", "--rounds", "4", *small)
        self.make("quick-oneshot-senet", "compile", QUICK, "--budget", "30%", "--allocation", "senet", *small)
        self.make("quick-oneshot-layers", "compile", QUICK, "--budget", "30%", "--layers", "4", "--identity-only", *small)
        self.make("quick-latency", "compile", QUICK, "--budget", "latency=1.6s@semi2k/wan", *small)
        self.make("quick-stable", "compile", QUICK, "--budget", "60%", "--rounds", "1", "--stable-sign", "128", *small)
        for granularity in ["channel", "layer"]:
            self.make(
                f"quick-gradual-{granularity}", "search", QUICK, "--budget", "40%", "--epochs", "1", "--batch", "64",
                "--granularity", granularity, "--slopes", *small,
            )
        self.make("passes", "passes", out=False)
        self.refusals()
        if self.shared is None:
            return
        model = self.model(RESNET20)
        for share in ["50%", "10%"]:
            self.make(
                f"oneshot-{share[:-1]}", "compile", model, "--budget", share, "--data", self.data(RESNET20), "--limit", "500",
                "--target", "onnx", "--target", "spu",
            )
            # Rounds amplify a difference of one element by some hundreds each: one alone says whether two engines agree.
            self.make(f"oneshot-{share[:-1]}-round", "compile", model, "--budget", share, "--rounds", "1", *small[2:4],
                      "--data", self.data(RESNET20))
        train = ["--data", self.data(RESNET20, "&train=2000&val=200"), "--limit", "200", "--val-images", "200"]
        for method in ["gradual", "senet", "snl", "bcd", "rlnet"]:
            robust = ["--val-attacked", "32", "--attacked", "32", "--attack", "pgd:steps=3"] if method == "rlnet" else []
            self.make(
                f"search-{method}", "search", model, "--method", method, "--budget", "30%", "--epochs", "2",
                "--calibration", "128", *train, *robust,
            )
        for path in sorted((self.shared / "models").glob("*.onnx")):
            masks = self.masks(f"masks-{path.stem}", str(path), slopes=True)
            # One has three classes of CIFAR-100, and no images here; those that end in a softmax go to MP-SPDZ without it.
            data = [] if "3class" in path.stem else ["--data", self.data(path.stem), "--limit", "64"]
            self.make(f"model-{path.stem}", "compile", path, "--masks", masks, "--drop-softmax", *TARGETS, *data)
            self.make(f"plain-{path.stem}", "compile", path, *TARGETS)
        masks = self.masks("masks-eval", model, slopes=True)
        self.make(
            "eval-masks", "eval", model, "--masks", masks, "--data", self.data(RESNET20), "--limit", "64",
            "--attack", "pgd:steps=2", out=False,
        )

    def refusals(self):
        """What does not fit is refused in the same words."""
        layers = self.layers(str(QUICK))
        name, shape = layers[0]
        size = shape[0] * shape[1] * shape[2]
        fine = {"relinc_masks": "1"}
        bad = {
            "shape": ({name: ("U8", [shape[0], 1, 1], b"\0" * shape[0])}, fine),
            "value": ({name: ("U8", shape, b"\1" * (size - 1) + b"\x09")}, fine),
            "layer": ({"relu99": ("U8", shape, b"\1" * size)}, fine),
            "type": ({name: ("F32", shape, b"\0" * 4 * size)}, fine),
            "slope": ({name: ("U8", shape, b"\1" * size), f"{name}.slope": ("F32", [1], b"\0" * 4)}, fine),
            "format": ({name: ("U8", shape, b"\1" * size)}, {"relinc_masks": "7"}),
            "metadata": ({name: ("U8", shape, b"\1" * size)}, {}),
        }
        for what, (tensors, info) in bad.items():
            path = self.folder / f"bad-{what}.safetensors"
            write_safetensors(path, tensors, info)
            self.make(f"refused-{what}", "compile", QUICK, "--masks", path.name)
        options = {
            "method": ["--budget", "50%", "--method", "gradual"],
            "allocation": ["--budget", "50%", "--allocation", "even"],
            "eta": ["--budget", "50%", "--allocation", "senet", "--eta", "1,2", "--data", "shapes?train=64"],
            "budget": ["--budget", "150%", "--data", "shapes?train=64"],
            "no-data": ["--budget", "50%"],
            "vanish": ["--budget", "50%", "--vanish", "relu98", "--data", "shapes?train=64"],
        }
        for what, args in options.items():
            self.make(f"refused-{what}", "compile", QUICK, *args)


def write_safetensors(path, tensors, info):
    header, data = {"__metadata__": info}, b""
    for name, (kind, shape, values) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


# ---------------------------------------------------------------- the comparison

# Keys of documents whose values are times, or depend on the machine or the version.
VOLATILE = {"seconds", "images_per_second", "data_wait", "waited", "relinc", "recipe"}
# Those that a file says of others, or of itself, as a whole: what they are taken of is compared.
DERIVED = {"relinc_sha256", "relinc_version", "sha256", "checksum"}


def timeless(v, name=None):
    """A document in which every time is 1, every version and recipe empty."""
    if isinstance(v, dict):
        return {k: timeless(x, k) for k, x in v.items()}
    if isinstance(v, list):
        return [timeless(x) for x in v]
    return v if name not in VOLATILE or v is None else "" if isinstance(v, str) else 1.0


def underived(v):
    """A document without what it says of others, or of itself, as a whole."""
    if isinstance(v, dict):
        return {k: underived(x) for k, x in v.items() if k not in DERIVED and not (k == "bytes" and "sha256" in v)}
    return [underived(x) for x in v] if isinstance(v, list) else v


def compared(v):
    """What is compared of a document."""
    return underived(timeless(v))


def documents(text):
    """The JSON documents of a text, one or one a line; None where it is no JSON."""
    try:
        return [compared(json.loads(text))]
    except ValueError:
        pass
    try:
        return [compared(json.loads(line)) for line in text.splitlines()] or None
    except ValueError:
        return None


def read_safetensors(path):
    raw = path.read_bytes()
    (n,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + n])
    info = header.pop("__metadata__", {})
    info = {k: (documents(v) or [v])[0] for k, v in info.items()}
    at = 8 + n
    return compared(info), {
        k: (t["dtype"], t["shape"], raw[at + t["data_offsets"][0] : at + t["data_offsets"][1]]) for k, t in header.items()
    }


def first_difference(a, b, where=""):
    """Where two documents first differ, in words."""
    if type(a) is not type(b):
        return f"{where}: {short(a)} and {short(b)}"
    if isinstance(a, dict):
        for k in a.keys() | b.keys():
            if k not in a or k not in b:
                return f"{where}.{k}: only in {'B' if k not in a else 'A'}"
        return next((d for k in a if (d := first_difference(a[k], b[k], f"{where}.{k}"))), None)
    if isinstance(a, list):
        if len(a) != len(b):
            return f"{where}: {len(a)} and {len(b)} entries"
        return next((d for i in range(len(a)) if (d := first_difference(a[i], b[i], f"{where}[{i}]"))), None)
    return None if a == b else f"{where}: {short(a)} and {short(b)}"


def short(v):
    text = json.dumps(v, ensure_ascii=False)
    return text if len(text) < 120 else text[:117] + "…"


def tensors_differ(a, b):
    (info_a, a), (info_b, b) = read_safetensors(a), read_safetensors(b)
    said = [d for d in [first_difference(info_a, info_b, "metadata")] if d]
    said += [f"{k} is only in {'B' if k not in a else 'A'}" for k in sorted(a.keys() ^ b.keys())]
    for k in sorted(a.keys() & b.keys()):
        if a[k] == b[k]:
            continue
        if a[k][:2] != b[k][:2]:
            said.append(f"{k} is {a[k][:2]} and {b[k][:2]}")
        elif a[k][0] == "U8":
            said.append(f"{k}: {sum(x != y for x, y in zip(a[k][2], b[k][2]))} of {len(a[k][2])} values")
        else:
            x, y = (struct.unpack(f"<{len(t[k][2]) // 4}f", t[k][2]) for t in (a, b))
            said.append(f"{k}: values move by at most {max(abs(p - q) for p, q in zip(x, y)):.3g}")
    return "; ".join(said)


def archives_differ(a, b):
    with zipfile.ZipFile(a) as x, zipfile.ZipFile(b) as y:
        names = sorted(set(x.namelist()) | set(y.namelist()))
        has = lambda z, n: n in z.namelist() and z.read(n)
        return ", ".join(n for n in names if has(x, n) != has(y, n))


def pages_differ(a, b):
    def lines(path):
        text = html.unescape(path.read_text(errors="replace"))
        # What a graphics driver says of the environment is not the build's.
        return [l for l in re.sub(r"(?=<)", "\n", text).splitlines() if "XDG_RUNTIME_DIR" not in l]

    x, y = lines(a), lines(b)
    pairs = [(p, q) for p, q in zip(x, y) if p != q]
    if not pairs and len(x) == len(y):
        return ""
    example = f": {pairs[0][0].strip()[:80]!r} and {pairs[0][1].strip()[:80]!r}" if pairs else ""
    return f"{len(pairs)} lines of {len(x)} and {len(y)}{example}"


def differ(a, b):
    """What differs between two files, in words; nothing where nothing does."""
    if a.read_bytes() == b.read_bytes():
        return ""
    if a.suffix == ".safetensors":
        return tensors_differ(a, b)
    if a.suffix == ".npz":
        return archives_differ(a, b)
    x, y = (p.read_bytes().decode(errors="replace") for p in (a, b))
    x, y = documents(x), documents(y)
    if x is not None and y is not None:
        return first_difference(x, y) or ""
    if a.suffix in {".html", ".txt"} or a.name == "stderr":
        return pages_differ(a, b)
    return f"{a.stat().st_size} and {b.stat().st_size} bytes, not the same"


def compare(a, b, allow):
    a, b = pathlib.Path(a), pathlib.Path(b)
    files = lambda d: {str(p.relative_to(d)) for p in d.rglob("*") if p.is_file()}
    wrong = allowed = same = 0
    for name in sorted(files(a) | files(b)):
        if not (a / name).exists() or not (b / name).exists():
            said = f"is only in {a if (a / name).exists() else b}"
        else:
            said = differ(a / name, b / name)
        if not said:
            same += 1
        elif any(fnmatch.fnmatch(name, g) for g in allow):
            allowed += 1
            print(f"allowed: {name}: {said}")
        else:
            wrong += 1
            print(f"{name}: {said}")
    print(f"{same} files are the same, {allowed} differ as allowed, {wrong} differ")
    return 1 if wrong or not same else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("binary")
    run.add_argument("out")
    run.add_argument("--only", action="append", metavar="GLOB", help="only runs of these names")
    both = commands.add_parser("compare")
    both.add_argument("a")
    both.add_argument("b")
    both.add_argument("--allow", action="append", default=[], metavar="GLOB", help="RUN/FILE that may differ")
    a = parser.parse_args()
    if a.command == "compare":
        sys.exit(compare(a.a, a.b, a.allow))
    Runs(a.binary, a.out, a.only).all()


if __name__ == "__main__":
    main()
