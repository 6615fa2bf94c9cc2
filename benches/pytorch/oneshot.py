#!/usr/bin/env python3
"""One-shot ranking of all ReLUs of the network, then fine-tuning with frozen masks.

    python benches/pytorch/oneshot.py --model resnet20.onnx --data cifar10 --images 10000 --budget 0.1 --tune-epochs 5

An element's score is Σ (∂CE/∂y · min(x, 0))² over 1,000 training images: what its removal costs to first order. The
largest share of the whole network stays. One JSON line an epoch, and one with the test accuracy at the end.

Needs torch, numpy and onnx.
"""

import argparse
import os

import torch
import torch.nn.functional as F

import cifar
import training
from mask_files import top_overall, write_masks


def scores(net, norm, images, labels, batch=100):
    """layer → Σ over images of (∂CE/∂y · min(x, 0))², with each image's own loss; sets eval mode."""
    total = {l: torch.zeros(net.shapes[l], dtype=torch.float64) for l in net.layers}
    net.eval()
    for pixels, y in zip(images.split(batch), labels.split(batch)):
        taps = {}
        loss = F.cross_entropy(net(norm(pixels).requires_grad_(), taps), y, reduction="sum")
        grads = torch.autograd.grad(loss, [taps[l][1] for l in net.layers])
        for l, g in zip(net.layers, grads):
            total[l] += (g * taps[l][0].detach().clamp(max=0)).pow(2).sum(0)
    return total


def rank(net, norm, images, labels, count):
    """layer → bool mask of the `count` dearest elements of the network."""
    return top_overall(scores(net, norm, images, labels), count)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    training.options(parser)
    args = parser.parse_args()

    batches = training.Batches(args, args.tune_epochs)
    teacher, student = training.load_pair(args, batches)
    masks = training.given_masks(args, student)
    if masks is None:
        budget = int(args.budget * sum(student.sizes) + 1e-9)
        masks = rank(teacher, batches.norm, batches.images[:1000], batches.labels[:1000], budget)
    student.set_masks(masks)
    counts = [int(masks[l].sum()) for l in student.layers]
    if args.dump:
        write_masks(os.path.join(args.dump, "masks.safetensors"), student, masks, args.budget)
    images, labels = cifar.read(args.data, "test", min(args.test, 1000))
    right = (training.predict(student, images, batches.norm).argmax(1) == labels).double().mean()
    training.say(stage="ranked", test=100 * float(right), n=len(labels), counts=counts)
    training.tune(teacher, student, batches, args)
    training.finish(student, masks, batches, args, "oneshot", counts)


if __name__ == "__main__":
    main()
