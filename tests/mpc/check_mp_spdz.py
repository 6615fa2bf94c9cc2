"""Executes an emitted mp-spdz/ folder on the stand-in and compares it with onnxruntime.

usage: check_mp_spdz.py DIR

DIR is what `relinc compile` wrote with targets onnx and mp-spdz. Prints one JSON document and exits 1 when the logits
differ by more than 1 % of their range or the arg max does.
"""

import json
import pathlib
import sys

import mp_spdz_stand_in
import numpy as np
import onnxruntime


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    folder = root / "mp-spdz"
    inputs = {0: np.loadtxt(folder / "weights.txt", ndmin=1), 1: np.loadtxt(folder / "image.txt", ndmin=1)}
    program = (folder / "relinc_model.mpc").read_text()

    def opener(path):
        assert path == "Programs/Source/relinc_model.json", path
        return open(folder / "relinc_model.json", encoding="utf-8")

    printed = mp_spdz_stand_in.run(program, inputs, opener)
    session = onnxruntime.InferenceSession(str(root / "model.onnx"), providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    image = inputs[1].astype(np.float32).reshape([1, *given.shape[1:]])
    want = session.run(None, {given.name: image})[0].reshape(-1)
    got = np.array(printed[0])
    result = {
        "max_logit_error": float(np.abs(got - want).max()),
        "logit_range": float(want.max() - want.min()),
        "same_argmax": bool(got.argmax() == want.argmax()),
        "comparisons": sum(mp_spdz_stand_in.COMPARISONS),
        "comparisons_predicted": json.loads((root / "report.json").read_text())["totals"]["relus"],
        "lines": len(program.splitlines()),
        "weights": len(inputs[0]),
    }
    print(json.dumps(result))
    good = len(printed) == 1 and result["same_argmax"] and result["max_logit_error"] <= 0.01 * result["logit_range"]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
