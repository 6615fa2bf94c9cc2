#!/usr/bin/env python3
"""Seconds per training step with the teacher's forward pass: the masked student at 10 % ReLUs, CE + KL + AT.

    python benches/pytorch/step_time.py --model resnet20.onnx [--batch 128] [--threads 2] [--steps 5]

Random images; one warm-up step is not counted. Prints JSON with the fastest and the median step of both layouts, the
least CPU time of a step, and the machine's load average: wall-clock times count on a quiet machine only.

Needs torch, numpy and onnx.
"""

import argparse
import json
import os
import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F

import losses
import training
from mask_files import first_masks
from onnx_resnet import OnnxNet


def measure(args, channels_last):
    """(wall-clock, CPU) seconds of each step."""
    teacher, student = OnnxNet(args.model).eval(), OnnxNet(args.model).train()
    if channels_last:
        teacher, student = (n.to(memory_format=torch.channels_last) for n in (teacher, student))
    student.set_masks(first_masks(student, [n // 10 for n in student.sizes], np.random.default_rng(0)))
    sgd, stages, seconds = training.optimizer(student, 1e-4), student.stages(), []
    x = training.layout(torch.randn(args.batch, 3, *student.size), channels_last)
    y = torch.randint(0, 10, (args.batch,))
    for _ in range(args.steps + 1):
        start = time.perf_counter(), time.process_time()
        taught, learnt = {}, {}
        with torch.no_grad():
            target = teacher(x, taught)
        logits = student(x, learnt)
        at = losses.attention_transfer([learnt[s][1] for s in stages], [taught[s][1] for s in stages])
        loss = 0.5 * F.cross_entropy(logits, y) + 0.5 * losses.kl(logits, target) + at
        training.step(student, sgd, loss, 5.0)
        seconds.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return seconds[1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    out = {"batch": args.batch, "threads": args.threads, "steps": args.steps, "torch": torch.__version__}
    for name, channels_last in (("contiguous", False), ("channels_last", True)):
        wall, cpu = zip(*measure(args, channels_last))
        out[name] = {"fastest": round(min(wall), 4), "median": round(statistics.median(wall), 4), "cpu": round(min(cpu), 4)}
    out["load_average"] = round(os.getloadavg()[0], 2)
    print(json.dumps(out))


if __name__ == "__main__":
    main()
