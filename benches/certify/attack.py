"""PGD from many starts on the certified images of least margin of resnet_2b: none may break.

    python attack.py resnet_2b.onnx DIR found.json --images 50 --restarts 1000
"""

import argparse
import json
from pathlib import Path

import torch

from crown import MEAN, STD, test_images
from resnet_2b import Net

STEPS = 20


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model")
    p.add_argument("data")
    p.add_argument("found", help="what relinc certify --json printed")
    p.add_argument("--images", type=int, default=50)
    p.add_argument("--restarts", type=int, default=1000)
    a = p.parse_args()
    torch.manual_seed(0)
    net = Net(a.model).eval().requires_grad_(False)
    found = json.loads(Path(a.found).read_text())
    certified = sorted((i for i in found["images"] if i["verdict"] == "certified"), key=lambda i: i["margin"] - i["slack"])
    pixels, labels = test_images(a.data)
    mean, std = (torch.tensor(v, dtype=torch.float32).view(1, 3, 1, 1) for v in (MEAN, STD))
    broken, least = [], float("inf")
    for image in certified[: a.images]:
        x = torch.tensor(pixels[image["image"]]).float().view(1, 3, 32, 32) / 255
        label, eps = int(labels[image["image"]]), found["eps"]
        low, high = (x - eps).clamp(min=0), (x + eps).clamp(max=1)
        others = [c for c in range(10) if c != label]
        y = torch.maximum(torch.minimum(x + (2 * torch.rand(a.restarts, 3, 32, 32) - 1) * eps, high), low)
        smallest = float("inf")
        for step in range(STEPS + 1):
            y.requires_grad_(True)
            z = net((y - mean) / std)
            margin = (z[:, label, None] - z[:, others]).min(1).values
            smallest = min(smallest, margin.min().item())
            if step < STEPS:
                (g,) = torch.autograd.grad(margin.sum(), y)
                y = torch.maximum(torch.minimum(y.detach() - g.sign() * eps / 4, high), low)
        assert smallest >= image["margin"] - image["slack"], f"image {image['image']}: {smallest} below {image['margin']}"
        least = min(least, smallest - image["margin"] + image["slack"])
        if smallest <= 0:
            broken.append(image["image"])
    print(f"{min(a.images, len(certified))} certified images, {a.restarts} starts of {STEPS} steps: broken {broken}; least margin found above the proven one {least:.3f}")


if __name__ == "__main__":
    main()
