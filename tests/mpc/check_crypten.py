"""Runs an emitted crypten/ folder on the installed CrypTen and compares it with onnxruntime and with the prediction.

usage: check_crypten.py DIR PARTIES N PYTHON

DIR is what `relinc compile` wrote with targets onnx and crypten, and this parties' protocol priced. PYTHON is the one with
CrypTen; this script wants onnxruntime. Prints one JSON document and exits 1 when a check fails: logits within 2 % of
onnxruntime's logit range, the same arg max wherever onnxruntime's two best logits differ by more than that, bytes
within 3 % of the prediction in both directions, the predicted rounds exactly, and every image the same traffic.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np
import onnxruntime

TIMEOUT_S = 240


def run_crypten(python: str, folder: pathlib.Path, parties: str, weights: str, n: int) -> dict:
    command = [python, str(folder / "run.py"), "--parties", parties, "--n", str(n), "--weights", weights, "--json",
               "--timeout", str(TIMEOUT_S)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S + 30)
    if done.returncode != 0:
        sys.exit(f"run.py failed ({done.returncode}): {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def main() -> int:
    folder, parties, n, python = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    report = json.loads((folder / "report.json").read_text())
    cost = next(c for c in report["cost"] if c["protocol"] == f"crypten-{parties}pc")
    got = run_crypten(python, folder / "crypten", parties, cost["weights"], n)
    x = np.load(folder / "crypten" / "sample_input.npy")[:n]
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    want = np.concatenate([session.run(None, {session.get_inputs()[0].name: image[None]})[0] for image in x])
    # The same file in CrypTen's dialect means the same to any ONNX runtime.
    dialect = onnxruntime.InferenceSession(
        str(folder / "crypten" / "model.onnx"), providers=["CPUExecutionProvider"])
    same = np.concatenate([dialect.run(None, {dialect.get_inputs()[0].name: image[None]})[0] for image in x])
    logits = np.array(got["outputs"], dtype=np.float32).reshape(want.shape)
    limit = 0.02 * float(want.max() - want.min())
    best = np.sort(want, axis=1)
    clear = best[:, -1] - best[:, -2] > limit
    result = {
        "parties": int(parties),
        "weights": cost["weights"],
        "n": n,
        "relus": report["totals"]["relus"],
        "max_logit_error": float(np.abs(logits - want).max()),
        "max_dialect_error": float(np.abs(same - want).max()),
        "logit_range": float(want.max() - want.min()),
        "clear": int(clear.sum()),
        "same_argmax_where_clear": int((logits.argmax(1) == want.argmax(1))[clear].sum()),
        "sent_measured": got["sent_bytes"],
        "sent_predicted": cost["online_bytes"],
        "recv_measured": got["recv_bytes"],
        "recv_predicted": cost["received_bytes"],
        "crypten_bytes": got["crypten_bytes"],
        "rounds_measured": got["rounds"],
        "rounds_predicted": cost["rounds"],
        "complete": cost["complete"],
        "seconds": got["seconds"],
    }
    failed = []
    if result["max_logit_error"] > limit:
        failed.append("logits differ by more than 2 % of their range")
    if result["max_dialect_error"] > 1e-4 * max(1.0, result["logit_range"]):
        failed.append("onnxruntime computes something else from the dialect")
    if result["same_argmax_where_clear"] != result["clear"]:
        failed.append("another arg max where the two best logits are clearly apart")
    for way in ("sent", "recv"):
        predicted = result[f"{way}_predicted"]
        if abs(result[f"{way}_measured"] - predicted) > 0.03 * predicted:
            failed.append(f"{way} bytes are not the predicted ones to 3 %")
    if got["sent_bytes"] + got["recv_bytes"] != got["crypten_bytes"]:
        failed.append("the two directions do not add up to CrypTen's own figure")
    if result["rounds_measured"] != result["rounds_predicted"]:
        failed.append("rounds differ from the prediction")
    if not got["images_agree"]:
        failed.append("images differ in their traffic")
    if not cost["complete"]:
        failed.append("the prediction leaves operations out")
    result["failed"] = failed
    print(json.dumps(result))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
