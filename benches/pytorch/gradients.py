#!/usr/bin/env python3
"""Writes the loss and every gradient of a network with soft masks, in float32 and float64, to compare another
implementation with.

    python benches/pytorch/gradients.py --model resnet20.onnx --data cifar10 -o gradients.safetensors [--train] [--bf16]
        [--kinks N] [--flip LAYER:IMAGE:ELEMENT …]

Batch: the first 32 test images. Mask element i of a layer, counted row-major over C×H×W, is the fraction of
0.618034·(i + 1), in float64, rounded to float32. Both precisions start from the same float32 images, weights and masks.
Tensors: `input` and `labels`; for P in f32, f64: `P/loss` (mean cross-entropy), `P/logits`, `P/grad_input`,
`P/grad/NAME` for each trained initializer, `P/grad_mask/LAYER`, and with `--train` (BatchNorm by batch statistics)
`P/running/NAME`, the running statistics after the step, with the unbiased variance as PyTorch keeps it. With `--bf16` also P =
bf16: autocast to it with channels-last images, from the same float32 values.

A ReLU's derivative jumps at zero, where two implementations may take different sides: `--kinks N` lists the N inputs of ReLUs
that are closest to it in float64, with those of float32, and `--flip` takes the other side at one of them.

Needs torch, numpy and onnx.
"""

import argparse
import json

import numpy as np
import torch
import torch.nn.functional as F

import cifar
from mask_files import write_safetensors
from onnx_resnet import OnnxNet


def soft_mask(shape):
    """float32, from the formula above."""
    ramp = 0.618034 * np.arange(1, int(np.prod(shape)) + 1, dtype=np.float64)
    return torch.from_numpy((ramp - np.floor(ramp)).astype(np.float32)).reshape(shape)


class Flipped(OnnxNet):
    """Takes the other side's derivative at elements of a layer's batch, given as flat positions."""

    at = {}

    def activate(self, layer, x):
        if layer not in self.at:
            return super().activate(layer, x)
        m, flat = self.masks[layer], x.flatten()
        other = torch.zeros_like(flat, dtype=torch.bool)
        other[self.at[layer]] = True
        relu = torch.where(other, torch.where(flat > 0, flat.detach(), flat), F.relu(flat))
        return m * relu.reshape(x.shape) + (1 - m) * x


def kinks(path, x, train, count):
    """The inputs of ReLUs closest to zero: layer, image, element, the input in float64 and in float32."""
    taps = {}
    for dtype in (torch.float64, torch.float32):
        net = OnnxNet(path).to(dtype).train(train)
        net.set_masks({l: soft_mask(net.shapes[l]).to(dtype) for l in net.layers})
        with torch.no_grad():
            net(x.to(dtype), taps.setdefault(dtype, {}))
    found = []
    for layer, (exact, _) in taps[torch.float64].items():
        near = exact.flatten().abs().topk(count, largest=False).indices
        for i in near.tolist():
            image, element = divmod(i, exact[0].numel())
            found.append((layer, image, element, exact.flatten()[i].item(), taps[torch.float32][layer][0].flatten()[i].item()))
    return sorted(found, key=lambda k: abs(k[3]))[:count]


def measure(path, x, y, train, dtype, flips=(), autocast=False):
    """name → array of everything that is compared."""
    net = Flipped(path).to(dtype).train(train)
    net.at = {}
    for layer, image, element in flips:
        net.at.setdefault(layer, []).append(image * int(np.prod(net.shapes[layer])) + element)
    masks = {l: soft_mask(net.shapes[l]).to(dtype).requires_grad_() for l in net.layers}
    net.set_masks(masks)
    x = x.detach().to(dtype, copy=True).requires_grad_()
    if autocast:
        net = net.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        logits = net(x.contiguous(memory_format=torch.channels_last) if autocast else x)
    logits = logits.to(dtype)
    loss = F.cross_entropy(logits, y)
    loss.backward()
    out = {"loss": loss, "logits": logits, "grad_input": x.grad}
    out |= {f"grad/{name}": p.grad for name, p in net.initializers()}
    out |= {f"grad_mask/{l}": m.grad.reshape(net.mask_shape(l)) for l, m in masks.items()}
    if train:
        buffers = dict(net.named_buffers())
        out |= {f"running/{i}": buffers[a] for i, a in net.attribute.items() if a in buffers}
    return {k: v.detach().numpy() for k, v in out.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--normalize", choices=sorted(cifar.NORMS), default="imagenet")
    parser.add_argument("--limit", type=int, default=32)
    parser.add_argument("--skip", type=int, default=0, help="leave out so many test images first")
    parser.add_argument("--train", action="store_true", help="BatchNorm in training mode")
    parser.add_argument("--bf16", action="store_true", help="also autocast to bf16")
    parser.add_argument("--kinks", type=int, metavar="N", help="list the inputs of ReLUs that are closest to zero")
    parser.add_argument("--flip", nargs="+", default=[], metavar="LAYER:IMAGE:ELEMENT")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("-o", "--output", default="gradients.safetensors")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    images, labels = cifar.read(args.data, "test", args.skip + args.limit)
    images, labels = images[args.skip:], labels[args.skip:]
    x = cifar.Normalize(args.normalize)(images)
    flips = [(layer, int(image), int(element)) for layer, image, element in (f.split(":") for f in args.flip)]
    if args.kinks:
        for layer, image, element, exact, single in kinks(args.model, x, args.train, args.kinks):
            print(f"{layer}:{image}:{element} {exact:.3e} in float64, {single:.3e} in float32")
    tensors = {"input": x.numpy(), "labels": labels.numpy()}
    results = {}
    runs = [("f32", torch.float32), ("f64", torch.float64)] + [("bf16", torch.float32)] * args.bf16
    for name, dtype in runs:
        results[name] = measure(args.model, x, labels, args.train, dtype, flips, name == "bf16")
        tensors |= {f"{name}/{k}": v for k, v in results[name].items()}
    write_safetensors(args.output, tensors)
    apart = {}
    for k, exact in results["f64"].items():
        kind = k.split("/")[0]
        error = np.abs(results["f32"][k] - exact).max() / max(np.abs(exact).max(), 1e-30)
        apart[kind] = max(apart.get(kind, 0.0), float(error))
    print(json.dumps({"loss": float(results["f64"]["loss"]), "largest_relative_difference_f32_f64": apart,
                      "tensors": len(tensors)}))


if __name__ == "__main__":
    main()
