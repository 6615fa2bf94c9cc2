"""Checks an emitted model.onnx with the official checker and compares onnxruntime with given logits.

usage: check_onnx.py MODEL.onnx INPUT.npy LOGITS.npy

Prints one JSON document: {"max_abs_difference", "range", "argmax_agreement", "n", "opset"}; exit 1 when the checker refuses.
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime


def main() -> int:
    model_path, input_path, logits_path = sys.argv[1:4]
    model = onnx.load(model_path)
    onnx.checker.check_model(model_path, full_check=True)
    session = onnxruntime.InferenceSession(model_path, providers=["CPUExecutionProvider"])
    x = np.load(input_path)
    ours = np.load(logits_path)
    theirs = session.run(None, {session.get_inputs()[0].name: x})[0]
    print(json.dumps({
        "max_abs_difference": float(np.abs(ours - theirs).max()),
        "range": float(theirs.max() - theirs.min()),
        "argmax_agreement": float((ours.argmax(1) == theirs.argmax(1)).mean()),
        "n": int(len(x)),
        "opset": int(model.opset_import[0].version),
    }))
    return 0


if __name__ == "__main__":
    sys.exit(main())
