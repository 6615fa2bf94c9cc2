#!/usr/bin/env python3
"""Sixty networks of torchvision and timm, through relinc: docs/zoo.md.

    cargo build --release
    python3 tests/zoo.py                      # all of them: about two hours and 6 GB for the packages
    python3 tests/zoo.py --only resnet18 dla34
    python3 tests/zoo.py --write-only         # the table again, from what was found before

Each network gets random weights, is exported at 224 and at 64 pixels by PyTorch's older exporter (TorchScript) and its newer one
(dynamo), imported, compiled, and the compiled file is executed beside the exported one with onnxruntime on random images. At 224
pixels the older export is compiled for the secure targets, too. Results are appended to zoo.jsonl in --work, so that a run that
was stopped goes on.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

TORCHVISION = """
alexnet vgg11_bn resnet18 resnet50 resnext50_32x4d wide_resnet50_2 densenet121 squeezenet1_1 googlenet inception_v3
mobilenet_v2 mobilenet_v3_small mobilenet_v3_large mnasnet1_0 shufflenet_v2_x1_0 efficientnet_b0 efficientnet_v2_s
regnet_x_400mf regnet_y_400mf convnext_tiny
""".split()
TIMM = """
resnet26d seresnext26ts ecaresnet26t skresnet18 cspresnet50 darknet53 dla34 dpn68 ese_vovnet19b_dw efficientnet_lite0
tf_efficientnet_lite0 tf_efficientnet_b0 tf_mobilenetv3_small_100 mixnet_s tf_mixnet_s fbnetc_100 spnasnet_100 hardcorenas_a
mobileone_s0 repvgg_a0 ghostnet_100 ghostnetv2_100 lcnet_050 tinynet_e rexnet_100 hrnet_w18_small res2net50_26w_4s resnest14d
legacy_xception selecsls42 tresnet_m resnetv2_50x1_bit nf_resnet50 nfnet_l0 resnetblur50 gcresnet50t convnextv2_atto fastvit_t8
mobilenetv4_conv_small lambda_resnet26t
""".split()
NETWORKS = [("torchvision", n) for n in TORCHVISION] + [("timm", n) for n in TIMM]
SIZES = [224, 64]
EXPORTERS = ["legacy", "dynamo"]
SECURE = ["spu", "crypten", "mp-spdz"]
PACKAGES = ["torch==2.7.1", "torchvision==0.22.1", "timm==1.0.31", "onnx==1.23.2", "onnxscript==0.7.2", "onnxruntime==1.32.0"]
# A share of the outputs' range.
TOLERANCE = 1e-3
ROOT = Path(__file__).resolve().parent.parent


def export(library, name, files):
    """Writes a network of random weights whose statistics have seen images, once for each size and exporter, and says what PyTorch
    said against it; runs in the packages' interpreter."""
    import logging
    import warnings

    import torch

    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if library == "torchvision":
        import torchvision

        model = torchvision.models.get_model(name, weights=None)
    else:
        import timm

        model = timm.create_model(name, pretrained=False)
    model.eval()
    for size, exporter, out in files:
        try:
            images = torch.randn(2, 3, int(size), int(size))
            with torch.no_grad():
                model(images)
            if exporter == "legacy":
                names = dict(input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}})
                torch.onnx.export(model, (images,), out, dynamo=False, opset_version=17, **names)
            else:
                batch = {0: torch.export.Dim("batch")}
                torch.onnx.export(model, (images,), out, dynamo=True, dynamic_shapes=(batch,), external_data=False, verbose=False)
            why = ""
        except Exception as e:
            why = (f"{e}".strip().splitlines() or [type(e).__name__])[0]
        print("exported " + json.dumps([int(size), exporter, why]), flush=True)


def compare(first, second, size):
    """The largest difference of two files on random images, as a share of the range; runs in the packages' interpreter."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    images = np.random.default_rng(0).standard_normal((2, 3, size, size), dtype=np.float32)

    def run(file):
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        return session.run(None, {session.get_inputs()[0].name: images})[0]

    want, got = run(first), run(second)
    span = float(want.max() - want.min()) or 1.0
    print(json.dumps(float(np.abs(want - got).max()) / span))


def call(command, limit):
    """Exit code (None out of time), stdout and stderr."""
    env = dict(os.environ, OMP_NUM_THREADS="1", RAYON_NUM_THREADS="1")
    try:
        p = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=env)
    except subprocess.TimeoutExpired:
        return None, "", f"not done in {limit} s"
    return p.returncode, p.stdout, p.stderr


def sentence(code, err):
    """What a refusal says, without names of files and nodes."""
    if code is None:
        return err
    if code not in (0, 1, 2) or "panicked" in err:
        return "PANIC: " + " ".join(err.split())[-200:]
    lines = [line for line in err.splitlines() if line.strip()]
    start = next((i for i, line in enumerate(lines) if line.startswith("error: ")), 0)
    text = " ".join(line.strip() for line in lines[start : start + 2])
    text = re.sub(r"^error: \S+: (\d+ nodes cannot be imported )?", "", text)
    first = re.split(r"; (?=[a-z_0-9]+ ')", text)[0]
    return re.sub(r" '[^']*'", "", first)[:240]


def network(a, python, library, name, wanted):
    """What is found out about a network, for each size and exporter that is wanted."""
    work = Path(a.work)
    files = [(size, exporter, work / f"{size}.{exporter}.onnx") for size, exporter in wanted]
    asked = [str(v) for f in files for v in f]
    code, text, err = call([python, __file__, "--export", library, name, *asked], a.limit * len(files))
    said = [json.loads(line[9:]) for line in text.splitlines() if line.startswith("exported ")]
    said = {(size, exporter): why for size, exporter, why in said}
    last = (err.strip().splitlines() or ["?"])[-1] if code != 0 else "?"
    for size, exporter, model in files:
        found = dict(library=library, name=name, size=size, exporter=exporter)
        why = said.get((size, exporter), last)
        if why or not model.exists():
            # A model that PyTorch cannot run at this size, or not export, is none of ours.
            yield dict(found, pytorch=re.sub(r"\s+", " ", why or last)[:160])
        else:
            yield one(a, python, found, model)
        model.unlink(missing_ok=True)


def one(a, python, found, model):
    """Everything that is found out about one file."""
    out, start = Path(a.work) / "out", time.time()
    size, exporter = found["size"], found["exporter"]
    code, text, err = call([a.relinc, "inspect", str(model), "--json", "--quiet"], a.limit)
    if code != 0:
        return dict(found, imported=sentence(code, err))
    report = json.loads(text)
    found.update(imported="", relus=report["totals"]["relus"], targets={})
    targets = ["onnx"] + (SECURE if size == SIZES[0] and exporter == EXPORTERS[0] else [])
    for target in targets:
        shutil.rmtree(out, ignore_errors=True)
        left = max(1, int(start + 4 * a.limit - time.time()))
        code, _, err = call([a.relinc, "compile", str(model), "-o", str(out), "--target", target, "--fixed-point", "off", "--quiet"], min(left, a.limit))
        found["targets"][target] = "" if code == 0 else sentence(code, err)
        if target == "onnx" and code == 0:
            code, text, err = call([python, __file__, "--compare", str(model), str(out / "model.onnx"), str(size)], a.limit)
            found["difference"] = json.loads(text) if code == 0 else sentence(code, err)
    shutil.rmtree(out, ignore_errors=True)
    return dict(found, seconds=round(time.time() - start))


def read(file):
    found = {}
    for line in file.read_text().splitlines() if file.exists() else []:
        r = json.loads(line)
        found[r["name"], r["size"], r["exporter"]] = r
    return found


def table(found, file):
    """Writes docs/zoo.md."""
    notes = []

    def note(text):
        if text not in notes:
            notes.append(text)
        return f"[{notes.index(text) + 1}](#{notes.index(text) + 1})"

    def equal(r):
        if r is None:
            return "·"
        if "pytorch" in r:
            return "–"
        if r["imported"]:
            return note(r["imported"])
        if r["targets"]["onnx"]:
            return note(r["targets"]["onnx"])
        d = r.get("difference")
        return "=" if isinstance(d, float) and d <= TOLERANCE else note(f"differs: {d}")

    rows, names = [], [(lib, n) for lib, n in NETWORKS if any(k[0] == n for k in found)]
    for library, name in names:
        of = [found.get((name, s, e)) for s in SIZES for e in EXPORTERS]
        first = of[0] or {}
        secure = [first.get("targets", {}).get(t) for t in SECURE]
        marks = ["·" if s is None else "yes" if s == "" else note(s) for s in secure]
        counted = first.get("relus")
        relus = "·" if counted is None else f"{counted:,}"
        rows.append(f"| {name} | {library} | {relus} | " + " | ".join([equal(r) for r in of] + marks) + " |")
    ran = [r for r in found.values() if "pytorch" not in r]
    refused = {r["name"] for r in ran if r["imported"]}
    panics = [r for r in ran if "PANIC" in json.dumps(r)]
    heads = [f"{s} {e}" for s in SIZES for e in EXPORTERS] + SECURE
    text = [
        "# Networks of a zoo",
        "",
        f"{len(names)} of the {len(NETWORKS)} networks of `tests/zoo.py`, from torchvision and timm, with random weights, exported by PyTorch at {SIZES[0]} and {SIZES[1]} pixels with its",
        "older exporter (`legacy`, opset 17) and its newer one (`dynamo`). Made by `python3 tests/zoo.py`, which installs",
        ", ".join(f"`{p}`" for p in PACKAGES) + ".",
        "",
        "- `=`: imported, compiled with `--target onnx`, and the compiled file computes what the exported one does: onnxruntime on two random",
        f"  images, within {TOLERANCE:g} of the outputs' range.",
        "- `yes`: emitted for that target, from the older export at 224 pixels. `–`: PyTorch itself does not run or export it so. `·`: not tried yet.",
        "- A number is a note below: what relinc said.",
        "",
        f"{len(ran)} files; {len(refused)} of {len(names)} networks refused at import ({', '.join(sorted(refused)) or 'none'}), {len(panics)} by panic.",
        "",
        "| network | from | ReLUs at 224 | " + " | ".join(heads) + " |",
        "|---|---|---|" + "---|" * len(heads),
        *rows,
        "",
        *[f'<a id="{i + 1}"></a>{i + 1}. {n}' for i, n in enumerate(notes)],
        "",
    ]
    file.write_text("\n".join(text))


def install(folder):
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--no-cache-dir", "--quiet", *PACKAGES], check=True)
    return str(python)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--relinc", default=str(ROOT / "target/release/relinc"), help="the binary")
    p.add_argument("--venv", type=Path, default=Path("zoo-venv"), help="where the packages are, or shall be")
    p.add_argument("--work", default="zoo-work", help="for files that come and go, and for results")
    p.add_argument("--only", nargs="*", metavar="NAME", help="these networks")
    p.add_argument("--sizes", nargs="*", type=int, default=SIZES)
    p.add_argument("--exporters", nargs="*", default=EXPORTERS)
    p.add_argument("--limit", type=int, default=90, help="seconds for each step")
    p.add_argument("--again", action="store_true", help="also what was found before")
    p.add_argument("--write-only", action="store_true", help="only the table")
    p.add_argument("--out", type=Path, default=ROOT / "docs/zoo.md")
    p.add_argument("--export", nargs="+", help=argparse.SUPPRESS)
    p.add_argument("--compare", nargs=3, help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.export:
        library, name, *rest = a.export
        return export(library, name, list(zip(rest[::3], rest[1::3], rest[2::3], strict=True)))
    if a.compare:
        return compare(a.compare[0], a.compare[1], int(a.compare[2]))
    results = Path(a.work) / "zoo.jsonl"
    if not a.write_only:
        python = install(a.venv)
        Path(a.work).mkdir(parents=True, exist_ok=True)
        found = {} if a.again else read(results)
        for library, name in NETWORKS:
            if a.only and name not in a.only:
                continue
            wanted = [(s, e) for e in a.exporters for s in a.sizes if (name, s, e) not in found]
            for r in network(a, python, library, name, wanted) if wanted else []:
                with results.open("a") as f:
                    f.write(json.dumps(r) + "\n")
                print(json.dumps(r), flush=True)
    table(read(results), a.out)


if __name__ == "__main__":
    sys.exit(main())
