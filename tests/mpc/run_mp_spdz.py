"""Runs an emitted mp-spdz/ folder on a built MP-SPDZ as its README says, and compares it with onnxruntime and the prediction.

usage: run_mp_spdz.py DIR MP-SPDZ

DIR is what `relinc compile` wrote with targets onnx and mp-spdz and the protocol mp-spdz-rep-ring, where --leaky-truncation was
given, else mp-spdz-rep-ring-exact. MP-SPDZ is its folder, with replicated-ring-party.x built. Prints one JSON document and exits 1
when the logits differ by more than 1 % of their range or the arg max does, or bytes by more than 3 % from the prediction. Inputs and
opened outputs, 8 and 24 B a number of all players together, are not in it.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import onnxruntime

TIMEOUT_S = 500


def called(command: list, folder: pathlib.Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    return done.stdout + done.stderr


def main() -> int:
    root, spdz = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    folder = root / "mp-spdz"
    name = re.search(r"^name=(\w+)", (folder / "README.md").read_text(), re.M)[1]
    (spdz / "Player-Data").mkdir(exist_ok=True)
    for ending in ("mpc", "json"):
        shutil.copy(folder / f"relinc_model.{ending}", spdz / "Programs" / "Source" / f"{name}.{ending}")
    shutil.copy(folder / "weights.txt", spdz / "Player-Data" / f"{name}-P0-0")
    shutil.copy(folder / "image.txt", spdz / "Player-Data" / f"{name}-P1-0")
    if not (spdz / "Player-Data" / "P2.pem").exists():
        called(["Scripts/setup-ssl.sh", "3"], spdz)
    report = json.loads((root / "report.json").read_text())
    cost = next(c for c in report["cost"] if c["protocol"].startswith("mp-spdz"))
    called([sys.executable, "compile.py", "-R", str(cost["ring"]), "-Z", "3", "-b", "100000", name], spdz)
    text = called(["Scripts/ring.sh", name, "-IF", f"Player-Data/{name}"], spdz)
    sent, rounds = re.search(r"Data sent = ([0-9.e+-]+) MB in ~(\d+) rounds", text).groups()
    together = float(re.search(r"Global data sent = ([0-9.e+-]+) MB", text)[1]) * 1e6
    got = np.array(json.loads(re.search(r"^\[.*\]$", text, re.M)[0]))
    session = onnxruntime.InferenceSession(str(root / "model.onnx"), providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    image = np.loadtxt(folder / "image.txt", ndmin=1).astype(np.float32)
    want = session.run(None, {given.name: image.reshape([1, *given.shape[1:]])})[0].reshape(-1)
    weights = len((folder / "weights.txt").read_text().split())
    result = {
        "max_logit_error": float(np.abs(got - want).max()),
        "logit_range": float(want.max() - want.min()),
        "same_argmax": bool(got.argmax() == want.argmax()),
        "sent_measured": float(sent) * 1e6 - 8 * weights,
        "sent_predicted": cost["online_bytes"],
        "all_measured": together - 8 * (weights + image.size) - 24 * len(got),
        "all_predicted": cost["all_bytes"],
        "rounds_measured": int(rounds),
        "rounds_predicted": cost["rounds"],
    }
    print(json.dumps(result))
    close = all(abs(result[f"{w}_predicted"] / result[f"{w}_measured"] - 1) <= 0.03 for w in ("sent", "all"))
    good = result["same_argmax"] and result["max_logit_error"] <= 0.01 * result["logit_range"]
    return 0 if good and close else 1


if __name__ == "__main__":
    sys.exit(main())
