#!/usr/bin/env python3
"""Writes an ONNX file whose ReLUs have a cap: Relu becomes Clip(0, CAP). Needs the package onnx.

    benches/training/capped.py IN.onnx CAP OUT.onnx
"""

import sys

import onnx
from onnx import helper, numpy_helper
import numpy as np

source, cap, target = sys.argv[1:]
model = onnx.load(source)
graph = model.graph
for name, value in [("relinc_floor", 0.0), ("relinc_cap", float(cap))]:
    graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
for i, node in enumerate(graph.node):
    if node.op_type == "Relu":
        bounds = [node.input[0], "relinc_floor", "relinc_cap"]
        clip = helper.make_node("Clip", bounds, list(node.output), name=node.name)
        graph.node[i].CopyFrom(clip)
onnx.save(model, target)
