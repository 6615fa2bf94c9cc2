#!/usr/bin/env python3
"""Trains the quickstart's small residual network on the images of `shapes`, and writes it as ONNX.

    relinc data shapes -o out/shapes
    python benches/pytorch/shapes.py out/shapes -o examples/quickstart/shapes_resnet.onnx

Input: N×3×32×32 floats in 0…1 (`normalize=none`); output: N×10 logits. BatchNormalization stays in the file as
nodes of its own. The epoch is chosen on the validation split; the test accuracy is measured on the written file
with onnxruntime and printed as JSON.

Needs torch, numpy, onnx and onnxruntime.
"""

import argparse
import json
import os
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    """Two 3×3 convolutions and a shortcut, through a 1×1 convolution where the shape changes."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.shortcut = None
        if stride != 1 or cin != cout:
            self.shortcut = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ShapesNet(nn.Module):
    """Stem, one block at each of three resolutions, global average pool, linear."""

    def __init__(self, widths, classes=10):
        super().__init__()
        a, b, c = widths
        self.stem = nn.Conv2d(3, a, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(a)
        self.block1 = Block(a, a, 1)
        self.block2 = Block(a, b, 2)
        self.block3 = Block(b, c, 2)
        self.head = nn.Linear(c, classes)

    def forward(self, x):
        x = F.relu(self.bn(self.stem(x)))
        x = self.block3(self.block2(self.block1(x)))
        return self.head(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


def load(folder, split):
    """Images as u8 N×3×32×32 and labels as int64, from the files which `relinc data` wrote."""
    images = np.load(os.path.join(folder, f"{split}_images.npy"))
    labels = np.load(os.path.join(folder, f"{split}_labels.npy"))
    return torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64))


def augment(x):
    """Shifts each batch by up to two pixels and negates half of the images; both keep the class."""
    dy, dx = (int(v) for v in torch.randint(-2, 3, (2,)))
    x = torch.roll(F.pad(x, (2, 2, 2, 2), mode="replicate"), (dy, dx), (2, 3))[:, :, 2:-2, 2:-2]
    flip = (torch.rand(len(x), 1, 1, 1) < 0.5).float()
    return x * (1 - flip) + (1 - x) * flip


@torch.no_grad()
def accuracy(model, images, labels):
    """Percent correct, without augmentation."""
    model.eval()
    right = sum(
        int((model(images[i : i + 500].float() / 255).argmax(1) == labels[i : i + 500]).sum())
        for i in range(0, len(images), 500)
    )
    return 100.0 * right / len(images)


def train(model, folder, args):
    """SGD with a one-cycle learning rate; leaves the weights of the best validation epoch in the model."""
    images, labels = load(folder, "train")
    val = load(folder, "val")
    per_epoch = len(images) // args.batch
    optimizer = torch.optim.SGD(model.parameters(), args.lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, args.lr, total_steps=args.epochs * per_epoch, pct_start=0.25
    )
    best, weights, start = -1.0, None, time.time()
    for epoch in range(args.epochs):
        model.train()
        order = torch.randperm(len(images))[: per_epoch * args.batch].split(args.batch)
        total = 0.0
        for picked in order:
            x = augment(images[picked].float() / 255)
            loss = F.cross_entropy(model(x), labels[picked], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        reached = accuracy(model, *val)
        if reached >= best:
            best, weights = reached, {k: v.clone() for k, v in model.state_dict().items()}
        print(f"epoch {epoch + 1}: loss {total / len(order):.3f}, val {reached:.2f} %, {time.time() - start:.0f} s", flush=True)
    model.load_state_dict(weights)
    return best


def write_onnx(model, path):
    """Opset 17, dynamic batch, BatchNormalization kept."""
    model.eval()
    torch.onnx.export(
        model,
        torch.zeros(1, 3, 32, 32),
        path,
        opset_version=17,
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
        dynamo=False,
    )


def onnx_accuracy(path, folder, split):
    """Percent correct of the written file, in onnxruntime on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    images, labels = (t.numpy() for t in load(folder, split))
    right = 0
    for i in range(0, len(images), 500):
        logits = session.run(["logits"], {"input": images[i : i + 500].astype(np.float32) / 255})[0]
        right += int((logits.argmax(1) == labels[i : i + 500]).sum())
    return 100.0 * right / len(images)


def linear_accuracy(folder):
    """Test accuracy in percent of multinomial logistic regression on the pixels: how far a linear model gets."""
    (images, labels), (test, expected) = load(folder, "train"), load(folder, "test")
    model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, weight_decay=1e-3)
    for _ in range(8):
        for picked in torch.randperm(len(images)).split(256):
            loss = F.cross_entropy(model(images[picked].float() / 255), labels[picked])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return accuracy(model, test, expected)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", help="folder which `relinc data shapes -o` wrote")
    parser.add_argument("-o", "--output", default="shapes_resnet.onnx")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.15)
    parser.add_argument("--widths", type=int, nargs=3, default=[16, 24, 48])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--linear", action="store_true", help="also train a linear classifier, for comparison")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    start = time.time()
    model = ShapesNet(args.widths).to(memory_format=torch.channels_last)
    val = train(model, args.data, args)
    seconds = time.time() - start
    write_onnx(model.to(memory_format=torch.contiguous_format), args.output)
    result = {
        "file": args.output,
        "bytes": os.path.getsize(args.output),
        "parameters": sum(p.numel() for p in model.parameters()),
        "val": round(val, 2),
        "test": round(onnx_accuracy(args.output, args.data, "test"), 2),
        "epochs": args.epochs,
        "seconds": round(seconds),
        "torch": torch.__version__,
    }
    if args.linear:
        result["test_linear"] = round(linear_accuracy(args.data), 2)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
