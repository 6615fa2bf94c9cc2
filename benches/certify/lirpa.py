"""CROWN of auto_LiRPA 0.3 on resnet_2b: seconds an image, and its margins beside those of `relinc certify --method crown --real --json`.

    pip install --no-deps auto_LiRPA==0.3; pip install torch==2.2.2 numpy onnx appdirs tqdm sortedcontainers
    python lirpa.py resnet_2b.onnx DIR found.json [--double] [--intervals]

relinc takes what is tighter where an interval bounds a ReLU's operand better than a linear function does, and auto_LiRPA the linear function.
With `--intervals` it is given the intervals, too (those of crown.py), and both bound the same.

Version 0.3 was written for an older torch; what it misses in 2.2 is put in its place below.
"""

import argparse
import json
import time
from pathlib import Path

import torch
import torch.onnx.symbolic_helper
from torch.onnx._globals import GLOBALS

torch.onnx.symbolic_helper._set_opset_version = lambda v: setattr(GLOBALS, "export_onnx_opset_version", v)
torch._C.Node.__getitem__ = lambda node, key: getattr(node, node.kindOf(key))(key)

from auto_LiRPA import BoundedModule, BoundedTensor, PerturbationLpNorm  # noqa: E402

members = BoundedModule._named_members
BoundedModule._named_members = lambda self, f, prefix="", recurse=True, **_: members(self, f, prefix, recurse)

from crown import MEAN, STD, Crown, network, test_images  # noqa: E402
from resnet_2b import Net  # noqa: E402


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model")
    p.add_argument("data")
    p.add_argument("found", help="what relinc certify --method crown --real --json printed")
    p.add_argument("--double", action="store_true")
    p.add_argument("--intervals", action="store_true")
    a = p.parse_args()
    net = Net(a.model).eval()
    kind = torch.float64 if a.double else torch.float32
    net = net.to(kind)
    bounded = BoundedModule(net, torch.zeros(1, 3, 32, 32, dtype=kind))
    crown = Crown(*network(a.model)) if a.intervals else None
    relus = [n for n in bounded._modules.values() if type(n).__name__ == "BoundRelu"]
    found = json.loads(Path(a.found).read_text())
    pixels, labels = test_images(a.data)
    mean, std = (torch.tensor(v, dtype=kind).view(1, 3, 1, 1) for v in (MEAN, STD))
    seconds, n, worst = 0.0, 0, 0.0
    for image in (i for i in found["images"] if i["margin"] is not None):
        x = torch.tensor(pixels[image["image"]]).to(kind).view(1, 3, 32, 32) / 255
        low, high = ((v - mean) / std for v in ((x - found["eps"]).clamp(min=0), (x + found["eps"]).clamp(max=1)))
        label = int(labels[image["image"]])
        others = [c for c in range(10) if c != label]
        c = torch.zeros(1, 9, 10, dtype=kind)
        c[0, :, label] = 1
        c[0, range(9), others] -= 1
        reference = {}
        if crown:
            crown.margins(low.flatten().double().numpy(), high.flatten().double().numpy(), label)
            for relu, (l, h) in zip(relus, crown.intervals, strict=True):
                operand = relu.inputs[0]
                reference[operand.name] = [torch.tensor(v).to(kind).view(1, *operand.output_shape[1:]) for v in (l, h)]
        start = time.time()
        ball = PerturbationLpNorm(norm=float("inf"), x_L=low, x_U=high)
        margins, _ = bounded.compute_bounds(x=(BoundedTensor((x - mean) / std, ball),), C=c, method="CROWN", bound_upper=False, reference_bounds=reference)
        seconds += time.time() - start
        n += 1
        mine = margins[0, others.index(image["against"])].item()
        worst = max(worst, abs(mine - image["margin"]) / max(1.0, abs(mine)))
    print(f"{n} images: largest difference, of max(1, |margin|), {worst:.2e}; {seconds / n:.3f} s an image here, {found['seconds'] / n:.3f} there")


if __name__ == "__main__":
    main()
