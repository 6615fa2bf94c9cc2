#!/usr/bin/env python3
"""Clean accuracy and accuracy under PGD, L∞ in pixel space.

    python benches/pytorch/attack.py --model resnet_2b.onnx --normalize cifar10 --data cifar10 --eps 2/255 --limit 1000

One uniform random start, `--steps` steps on the sign of the gradient of the cross-entropy, clipped to the ball and to
0…1; normalisation lies inside the model. An image counts as standing when the last iterate is classified correctly.

Needs torch, numpy and onnx.
"""

import argparse
import json
import time
from fractions import Fraction

import torch
import torch.nn.functional as F

import cifar
from mask_files import read_masks
from onnx_resnet import OnnxNet


def pgd(net, norm, x, y, eps, step, steps, generator):
    """Adversarial pixels for pixels `x` in 0…1; the net is in eval mode."""
    adv = (x + (2 * torch.rand(x.shape, generator=generator) - 1) * eps).clamp(0, 1)
    for _ in range(steps):
        adv.requires_grad_()
        (grad,) = torch.autograd.grad(F.cross_entropy(net(norm(adv)), y, reduction="sum"), adv)
        adv = adv.detach() + step * grad.sign()
        adv = torch.min(torch.max(adv, x - eps), x + eps).clamp(0, 1)
    return adv


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--normalize", choices=sorted(cifar.NORMS), default="imagenet")
    parser.add_argument("--masks", help="masks.safetensors to put on the ReLUs")
    parser.add_argument("--limit", type=int, default=1000, help="the first N test images")
    parser.add_argument("--eps", type=Fraction, default=Fraction(8, 255), help="radius, such as 8/255")
    parser.add_argument("--step", type=Fraction, help="step size; a quarter of eps if absent")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    net = OnnxNet(args.model).eval()
    for p in net.parameters():
        p.requires_grad_(False)
    if args.masks:
        net.set_masks(read_masks(args.masks, net))
    norm, generator = cifar.Normalize(args.normalize), torch.Generator().manual_seed(args.seed)
    eps, step = float(args.eps), float(args.step or args.eps / 4)
    images, labels = cifar.read(args.data, "test", args.limit)
    clean = standing = 0
    start = time.time()
    for pixels, y in zip(images.split(args.batch), labels.split(args.batch)):
        x = pixels.float() / 255
        adv = pgd(net, norm, x, y, eps, step, args.steps, generator)
        with torch.no_grad():
            clean += int((net(norm(x)).argmax(1) == y).sum())
            standing += int((net(norm(adv)).argmax(1) == y).sum())
    n = len(labels)
    attack = f"pgd:steps={args.steps},eps={args.eps},step={args.step or args.eps / 4}"
    print(json.dumps({"n": n, "clean": round(100 * clean / n, 2), "adversarial": round(100 * standing / n, 2),
                      "attack": attack, "seconds": round(time.time() - start, 1)}))


if __name__ == "__main__":
    main()
