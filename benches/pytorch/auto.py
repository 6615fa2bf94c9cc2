#!/usr/bin/env python3
"""Accuracy under AutoAttack as published, L∞ in pixel space.

    PYTHONPATH=auto-attack python benches/pytorch/auto.py --model resnet_2b.onnx --normalize cifar10 --data cifar10 --eps 2/255 --limit 500

The package is https://github.com/fra31/auto-attack (commit a392200): version "standard", that is APGD-CE, APGD-T, FAB-T and
Square, each on what survived. Normalisation lies inside the model. Prints what is left after each attack.

Needs torch, numpy, onnx and the package.
"""

import argparse
import json
import re
import sys
import time
from fractions import Fraction

import torch
from autoattack import AutoAttack

import cifar
from mask_files import read_masks
from onnx_resnet import OnnxNet


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--normalize", choices=sorted(cifar.NORMS), default="imagenet")
    parser.add_argument("--masks", help="masks.safetensors to put on the ReLUs")
    parser.add_argument("--limit", type=int, default=500, help="the first N test images")
    parser.add_argument("--eps", type=Fraction, default=Fraction(8, 255), help="radius, such as 8/255")
    parser.add_argument("--batch", type=int, default=250)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    net = OnnxNet(args.model).eval()
    for p in net.parameters():
        p.requires_grad_(False)
    if args.masks:
        net.set_masks(read_masks(args.masks, net))
    norm = cifar.Normalize(args.normalize)
    images, labels = cifar.read(args.data, "test", args.limit)
    said, start = [], time.time()
    attack = AutoAttack(lambda x: net(norm(x)), norm="Linf", eps=float(args.eps), seed=args.seed, device="cpu")
    attack.logger.log = lambda line: (said.append(line), print(line, file=sys.stderr, flush=True))
    x = attack.run_standard_evaluation(images.float() / 255, labels, bs=args.batch)
    with torch.no_grad():
        standing = torch.cat([net(norm(b)).argmax(1) for b in x.split(args.batch)]) == labels
    left = [re.match(r"robust accuracy after ([A-Z-]+): ([0-9.]+)%", s) for s in said]
    print(json.dumps({"n": len(labels), "eps": str(args.eps), "adversarial": round(100 * standing.float().mean().item(), 2),
                      "after": {m[1].lower(): float(m[2]) for m in left if m},
                      "standing": standing.nonzero().flatten().tolist(), "seconds": round(time.time() - start, 1)}))


if __name__ == "__main__":
    main()
