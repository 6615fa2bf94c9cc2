#!/usr/bin/env python3
"""SENet's search and fine-tuning as released, on clean images only.

    python benches/pytorch/senet.py --model resnet20.onnx --data cifar10 --images 10000 --search-epochs 4 --tune-epochs 5

Search: the mask is fixed during an epoch while S_l sums |a_teacher − a_student| over post-activation outputs; at its end
each layer's mask becomes the top n_l of S_l. Loss 0.5·CE + 0.5·KL. Then fine-tuning with the last masks. The weights of
the last epoch are judged; no checkpoint is picked. One JSON line an epoch, and one with the test accuracy at the end.

Needs torch, numpy and onnx.
"""

import argparse
import json
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

import losses
import training
from mask_files import allocate, first_masks, hamming, top, write_masks
from oneshot import rank


def layer_counts(args, net, batches):
    """ReLUs each layer keeps: given or loaded, by the allocation rule from given sensitivities, or as the one-shot
    ranking keeps them."""
    budget = int(args.budget * sum(net.sizes) + 1e-9)
    loaded = os.path.join(args.load or "", "counts.json")
    given = args.counts or (loaded if args.load and not args.eta and os.path.exists(loaded) else None)
    if given:
        with open(given) as f:
            return [int(n) for n in json.load(f)]
    if args.eta:
        with open(args.eta) as f:
            return allocate(net.sizes, json.load(f), budget)
    masks = rank(net, batches.norm, batches.images[:1000], batches.labels[:1000], budget)
    return [int(masks[l].sum()) for l in net.layers]


def search(teacher, student, batches, masks, counts, args):
    """Returns the masks after the last epoch."""
    sgd = training.optimizer(student, args.search_lr)
    for epoch in range(args.search_epochs):
        student.train()
        student.set_masks(masks)
        moved = {l: torch.zeros(student.shapes[l], dtype=torch.float64) for l in student.layers}
        sums, start = np.zeros(4), time.time()
        for x, y in batches.epoch(epoch):
            taught, learnt = {}, {}
            with torch.no_grad():
                target = teacher(x, taught)
            logits = student(x, learnt)
            ce, kl = F.cross_entropy(logits, y), losses.kl(logits, target)
            loss = 0.5 * ce + 0.5 * kl
            norm = training.step(student, sgd, loss, args.clip)
            with torch.no_grad():
                for l in student.layers:
                    moved[l] += (taught[l][1] - learnt[l][1]).abs().sum(0)
            right = (logits.detach().argmax(1) == y).double().mean()
            sums += [float(loss.detach()), float(ce.detach()), float(kl.detach()), float(right)]
        before, masks = masks, {l: top(moved[l], n) for l, n in zip(student.layers, counts)}
        loss, ce, kl, right = (float(v) for v in sums / batches.steps())
        training.say(stage="search", epoch=epoch + 1, loss=loss, ce=ce, kl=kl, train=100 * right, lr=args.search_lr,
                     norm=norm, hamming=hamming(before, masks), seconds=time.time() - start)
    student.set_masks(masks)
    return masks


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    training.options(parser)
    parser.add_argument("--search-epochs", type=int, default=4)
    parser.add_argument("--search-lr", type=float, default=0.05)
    parser.add_argument("--eta", help="JSON list: a sensitivity for each layer")
    parser.add_argument("--counts", help="JSON list: how many ReLUs each layer keeps")
    args = parser.parse_args()

    batches = training.Batches(args, args.search_epochs + args.tune_epochs)
    teacher, student = training.load_pair(args, batches)
    counts = layer_counts(args, teacher, batches)
    if len(counts) != len(student.layers) or any(n > cap for n, cap in zip(counts, student.sizes)):
        raise SystemExit(f"counts {counts} do not fit layers of {student.sizes} ReLUs")
    masks = training.given_masks(args, student)
    if masks is None:
        masks = first_masks(student, counts, np.random.default_rng([args.seed, 1]))
    if args.dump:
        write_masks(os.path.join(args.dump, "masks.safetensors"), student, masks, args.budget)
        with open(os.path.join(args.dump, "counts.json"), "w") as f:
            json.dump(counts, f)
    masks = search(teacher, student, batches, masks, counts, args)
    training.tune(teacher, student, batches, args, args.search_epochs)
    training.finish(student, masks, batches, args, "senet", [int(masks[l].sum()) for l in student.layers])


if __name__ == "__main__":
    main()
