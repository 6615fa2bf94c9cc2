"""Reads ONNX files with onnxruntime: a path a line on stdin, on stdout an empty line or why it cannot be read."""

import sys

import onnxruntime

onnxruntime.set_default_logger_severity(4)
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.enable_cpu_mem_arena = False
print("ready", flush=True)
for line in sys.stdin:
    try:
        onnxruntime.InferenceSession(line.rstrip("\n"), options, providers=["CPUExecutionProvider"])
        print(flush=True)
    except Exception as e:
        print(" ".join(str(e).split()) or type(e).__name__, flush=True)
