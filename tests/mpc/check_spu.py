"""Runs an emitted spu/ folder on the installed SPU and compares it with onnxruntime and with the report's prediction.

usage: check_spu.py DIR PROTOCOL N

DIR is what `relinc compile` wrote with targets onnx and spu. Prints one JSON document and exits 1 when a check fails:
logits within 1 % of onnxruntime's logit range, the same arg max wherever onnxruntime's two best logits differ by more
than that, the ReLUs' bytes within 1 % of the prediction (with squares on ABY3, whose parties' parts are drawn at random, the
bytes of all parties together), and on SEMI2K the total bytes within 3 %, those of convolutions and of products within 5 %.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np
import onnxruntime

# SEMI2K's bytes for one truncated element.
TRUNCATION = 4
# What SPU's compiler makes of maximum(x, 0): a comparison and a product by its bit; of a minimum, a cap's, a selection.
RELU_OPS = ("pphlo.less", "pphlo.multiply", "pphlo.select")


def run_spu(folder: pathlib.Path, protocol: str, n: int, *more: str) -> dict:
    command = [sys.executable, str(folder / "run.py"), "--protocol", protocol, "--n", str(n), "--json", "--timeout", "550"]
    command += more
    done = subprocess.run(command, capture_output=True, text=True, timeout=580)
    if done.returncode != 0:
        sys.exit(f"run.py failed ({done.returncode}): {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def truncated(folder: pathlib.Path, program: str) -> int:
    """Outputs of convolutions whose truncation SPU counts as a multiplication."""
    manifest = json.loads((folder / "spu" / "manifest.json").read_text())
    return next(p["truncated"] for p in manifest["programs"] if p["file"] == program)


def predicted(report: dict, protocol: str) -> dict:
    return next(c for c in report["cost"] if c["protocol"] == f"spu-{protocol}")


def bytes_of(cost: dict, *ops: str) -> int:
    return sum(l["online_bytes"] for l in cost["per_layer"] if l["op"] in ops)


def main() -> int:
    folder, protocol, n = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    report = json.loads((folder / "report.json").read_text())
    got = run_spu(folder / "spu", protocol, n)
    x = np.load(folder / "spu" / "sample_input.npy")[:n]
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    want = session.run(None, {session.get_inputs()[0].name: x})[0]
    logits = np.array(got["outputs"], dtype=np.float32).reshape(want.shape)
    logit_range = float(want.max() - want.min())
    limit = 0.01 * logit_range
    best = np.sort(want, axis=1)
    clear = best[:, -1] - best[:, -2] > limit
    cost = predicted(report, protocol)
    relus = report["totals"]["relus"]
    relu_ops = sum(got["ops"].get(op, {}).get("sent_bytes", 0) for op in RELU_OPS)
    # The mean's truncation is a product by a public constant and is predicted apart from the ReLUs.
    other = sum(l["online_bytes"] for l in cost["per_layer"] if l["class"] == "other")
    truncation = 0 if got["truncation"] == "bounded" else TRUNCATION * truncated(folder, got["program"])
    squares = bytes_of(cost, "mul", "mul_weight")
    relu_measured = relu_ops - (other + truncation if protocol == "semi2k" else squares)
    # ABY3 draws who sends: beside squares only what all send together can be judged by one run.
    drawn = protocol != "semi2k" and squares > 0
    all_measured = run_spu(folder / "spu", protocol, 1, "--all-parties")["all_sent_bytes"] if drawn else None
    products = {
        "pphlo.convolution": bytes_of(cost, "conv"),
        "pphlo.dot": bytes_of(cost, "conv_taps", "linear") - truncation,
    }
    result = {
        "protocol": protocol,
        "n": n,
        "max_logit_error": float(np.abs(logits - want).max()),
        "logit_range": logit_range,
        "classes_predicted": int(len(set(want.argmax(1).tolist()))),
        "clear": int(clear.sum()),
        "same_argmax_where_clear": int((logits.argmax(1) == want.argmax(1))[clear].sum()),
        "relus": relus,
        "relu_bytes_measured": relu_measured,
        "relu_bytes_predicted": cost["relu_bytes"],
        "relu_bytes_each": relu_measured / max(relus, 1),
        "total_bytes_measured": got["sent_bytes"],
        "total_bytes_predicted": cost["online_bytes"],
        "all_bytes_measured": all_measured,
        "all_bytes_predicted": cost["all_bytes"],
        "program": got["program"],
        "convolutions": got["convolutions"],
        "send_actions_measured": got["send_actions"],
        "rounds_predicted": cost["rounds"],
        "seconds": got["seconds"],
        "ops": got["ops"],
    }
    failed = []
    if result["max_logit_error"] > limit:
        failed.append("logits differ by more than 1 % of their range")
    if result["same_argmax_where_clear"] != result["clear"]:
        failed.append("another arg max where the two best logits are clearly apart")
    if drawn and abs(all_measured - cost["all_bytes"]) > 0.01 * cost["all_bytes"]:
        failed.append("the bytes of all parties are not the predicted ones to 1 %")
    if not drawn and abs(relu_measured - cost["relu_bytes"]) > 0.01 * cost["relu_bytes"]:
        failed.append("the ReLUs' bytes are not the predicted ones to 1 %")
    if protocol == "semi2k" and abs(got["sent_bytes"] - cost["online_bytes"]) > 0.03 * cost["online_bytes"]:
        failed.append("the total bytes are not the predicted ones to 3 %")
    for op, want_bytes in products.items():
        measured = got["ops"].get(op, {}).get("sent_bytes", 0)
        if protocol == "semi2k" and abs(measured - want_bytes) > 0.05 * want_bytes:
            failed.append(f"{op} sent {measured} bytes, not the predicted {want_bytes} to 5 %")
    result["failed"] = failed
    print(json.dumps(result))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
