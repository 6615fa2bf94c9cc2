"""Holds relinc's fixed-point emulation against SPU on the same images.

usage: fixed_point.py RELINC DIR DATA N RING,FRACTION [--protocol semi2k|aby3|cheetah] [--truncation HOW]
                      [--spu FILE.json] [--agree A] [--points P]

RELINC is the binary, DIR what `relinc compile` wrote with targets onnx and spu, DATA a data set as relinc takes it. Runs the
first N test images in floating point, in the emulator and on SPU (or reads what `DIR/spu/run.py --json` printed from FILE.json)
and prints one JSON document. Exits 1 when fewer than A of 100 images have the same arg max in both (default 99), or when the
two accuracies differ by more than P points (default 2).
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np


def relinc(binary, *args, may_say_no=False):
    """The JSON that a command prints; exit code 1, the answer no, is an answer where it may be."""
    done = subprocess.run([binary, "--quiet", "--json", *args], capture_output=True, text=True, timeout=600)
    if done.returncode not in ((0, 1) if may_say_no else (0,)):
        sys.exit(f"relinc {args[0]} failed ({done.returncode}): {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def run_spu(options, inputs):
    """What run.py prints for these inputs."""
    fraction = options.format.split(",")[1]
    command = [sys.executable, str(options.dir / "spu/run.py"), "--protocol", options.protocol, "--input", str(inputs),
               "--n", str(options.n), "--field", options.format.split(",")[0], "--fraction", fraction, "--json",
               "--timeout", str(options.timeout)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=options.timeout + 30)
    if done.returncode != 0:
        sys.exit(f"run.py failed ({done.returncode}): {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def spread(fixed, real):
    """How |fixed − float| of the outputs is distributed."""
    e = np.abs(fixed - real)
    return {
        "mean": float(e.mean()),
        "bias": float((fixed - real).mean()),
        **{f"p{p}": float(np.percentile(e, p)) for p in (50, 90, 99)},
        "max": float(e.max()),
    }


def parse():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("relinc")
    p.add_argument("dir", type=pathlib.Path)
    p.add_argument("data")
    p.add_argument("n", type=int)
    p.add_argument("format")
    p.add_argument("--protocol", default="semi2k")
    p.add_argument("--truncation")
    p.add_argument("--spu", type=pathlib.Path)
    p.add_argument("--agree", type=float, default=99)
    p.add_argument("--points", type=float, default=2)
    p.add_argument("--timeout", type=int, default=540)
    return p.parse_args()


def main() -> int:
    o = parse()
    model = str(o.dir / "model.onnx")
    truncation = o.truncation or ("cheetah" if o.protocol == "cheetah" else "probabilistic")
    common = ["--data", o.data, "--limit", str(o.n)]
    with tempfile.TemporaryDirectory() as folder:
        x, y, z = (pathlib.Path(folder) / f"{name}.npy" for name in "xyz")
        relinc(o.relinc, "eval", model, *common, "--save-inputs", str(x), "--save-outputs", str(y))
        said = relinc(o.relinc, "verify", model, *common, "--fixed-point", o.format, "--truncation", truncation,
                      "--save-outputs", str(z), may_say_no=True)
        real, emulated = np.load(y), np.load(z)
        spu = json.loads(o.spu.read_text()) if o.spu else run_spu(o, x)
    shown = np.array(spu["outputs"], dtype=np.float64).reshape(real.shape)
    fixed = said["fixed_point"]
    labels = np.array(fixed["labels"])
    classes = {"float": real.argmax(1), "emulated": emulated.argmax(1), "spu": shown.argmax(1)}
    agreement = 100 * float((classes["emulated"] == classes["spu"]).mean())
    accuracy = {name: 100 * float((c == labels).mean()) for name, c in classes.items()}
    result = {
        "n": o.n,
        "ring,fraction": o.format,
        "protocol": spu["protocol"],
        "truncation": truncation,
        "accuracy": accuracy,
        "same_argmax": {
            "emulated and spu": agreement,
            "emulated and float": 100 * float((classes["emulated"] == classes["float"]).mean()),
            "spu and float": 100 * float((classes["spu"] == classes["float"]).mean()),
        },
        "classes_predicted": {name: len(set(c.tolist())) for name, c in classes.items()},
        "error": {"emulated": spread(emulated, real), "spu": spread(shown, real)},
        "headroom_bits": fixed["headroom_bits"],
        "overflows": fixed["overflows"],
        "overflow": fixed["overflow"][:1],
    }
    failed = []
    if agreement < o.agree:
        failed.append(f"the same arg max on {agreement} % of the images, {o.agree} wanted")
    if abs(accuracy["emulated"] - accuracy["spu"]) > o.points:
        failed.append(f"the accuracies differ by more than {o.points} points")
    result["failed"] = failed
    print(json.dumps(result))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
