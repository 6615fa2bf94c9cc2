"""Masks on PyTorch networks, against what relinc computes under the same masks."""

import tempfile
import unittest
from pathlib import Path

import relinc

try:
    import numpy as np
    import onnx  # noqa: F401
    import torch
    import torch.nn.functional as F
    from relinc import torch as bridge
    from torch import nn
except ImportError as e:
    raise unittest.SkipTest(f"relinc.torch wants torch, onnx and numpy: {e}") from e

DATA = "shapes?train=200&val=64"


class Block(nn.Module):
    def __init__(self, planes, out, stride):
        super().__init__()
        self.first, self.second = nn.Conv2d(planes, out, 3, stride, 1, bias=False), nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(out), nn.BatchNorm2d(out)
        self.short = nn.Identity() if stride == 1 else nn.Conv2d(planes, out, 1, stride)
        # One module for both, and in place, as in torchvision.
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.norm1(self.first(x)))
        y = self.norm2(self.second(y))
        y += self.short(x)
        return self.relu(y)


class Net(nn.Module):
    """Every spelling of a ReLU, a pool behind one, one in place that others read, a cap, a plain vector."""

    def __init__(self):
        super().__init__()
        self.stem, self.pool = nn.Conv2d(3, 8, 3, 1, 1), nn.MaxPool2d(2)
        self.one, self.two = Block(8, 8, 1), Block(8, 16, 2)
        self.point, self.six = nn.Conv2d(16, 16, 1), nn.ReLU6()
        self.hidden, self.head = nn.Linear(16, 12), nn.Linear(12, 10)

    def forward(self, x):
        x = self.two(self.one(self.pool(torch.relu(self.stem(x)))))
        x = self.point(x)
        y = F.relu(x, inplace=True)
        x = self.six(self.point(y) + x)
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.head(self.hidden(x).relu())


def drawn_masks(folder, model, example, choices):
    """Masks in which every layer has each of these choices somewhere, with slopes and coefficients."""
    plain = bridge.apply(model, {}, example)
    rng, masks = np.random.default_rng(0), relinc.Masks()
    for name, shape, capped in sorted((m.layer, m.shape, m.cap < 9) for m in plain.modules() if isinstance(m, bridge.MaskedReLU)):
        allowed = [c for c in choices if c != 4 or capped]
        masks[name] = rng.choice(np.array(allowed, np.uint8), size=shape)
        if 0 in choices:
            masks[f"{name}.slope"] = rng.uniform(0.3, 1.2, shape[0]).astype(np.float32)
        if 3 in choices:
            masks[f"{name}.quadratic"] = rng.uniform(-0.2, 0.4, (shape[0], 3)).astype(np.float32)
    return masks


class Torch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)
        torch.manual_seed(0)
        self.model, self.example = Net(), torch.zeros(1, 3, 32, 32)
        # Statistics that do something.
        with torch.no_grad():
            self.model(torch.randn(64, 3, 32, 32))
        self.model.eval()

    def same_as_relinc(self, network, onnx_file, masks):
        """Compares logits on real images."""
        x, y = self.dir / "x.npy", self.dir / "y.npy"
        relinc.eval(onnx_file, DATA, masks=masks, save_inputs=x, save_outputs=y)
        wanted = np.load(y)
        with torch.no_grad():
            found = network.eval()(torch.from_numpy(np.load(x))).numpy()
        self.assertLess(np.abs(found - wanted).max(), 1e-4 * np.abs(wanted).max())

    def test_all_choices_compute_what_relinc_computes(self):
        masks = drawn_masks(self.dir, self.model, self.example, [0, 1, 2, 3, 4])
        network = bridge.apply(self.model, masks, self.example)
        self.assertEqual(list(bridge.gates(network)), masks.layers)
        bridge.export(network, self.dir / "m.onnx", self.dir / "m.safetensors", self.example)
        self.same_as_relinc(network, self.dir / "m.onnx", self.dir / "m.safetensors")
        back = relinc.Masks.load(self.dir / "m.safetensors")
        for name, array in masks.items():
            np.testing.assert_array_equal(array, back[name])

    def test_an_empty_mask_changes_nothing_and_the_model_stays_as_it_is(self):
        x = torch.randn(4, 3, 32, 32)
        with torch.no_grad():
            torch.testing.assert_close(bridge.apply(self.model, {}, self.example)(x), self.model(x))
        self.assertFalse([m for m in self.model.modules() if isinstance(m, bridge.MaskedReLU)])

    def test_it_trains_and_goes_back(self):
        masks = drawn_masks(self.dir, self.model, self.example, [0, 1, 2, 3])
        network = bridge.apply(self.model, masks, self.example).train()
        nn.functional.cross_entropy(network(torch.randn(16, 3, 32, 32)), torch.arange(16) % 10).backward()
        with torch.no_grad():
            for p in network.parameters():
                p -= 1e-3 * p.grad
        trained = bridge.masks(network)
        self.assertFalse(np.array_equal(trained["relu02.slope"], masks["relu02.slope"]))
        self.assertFalse(np.array_equal(trained["relu02.quadratic"], masks["relu02.quadratic"]))
        bridge.export(network, self.dir / "t.onnx", self.dir / "t.safetensors", self.example)
        self.assertTrue(network.training)
        self.same_as_relinc(network, self.dir / "t.onnx", self.dir / "t.safetensors")
        made = relinc.compile(self.dir / "t.onnx", self.dir / "out", masks=self.dir / "t.safetensors", data=DATA, allow_tails=True, fixed_point="off", protocol="semi2k", network="wan")
        self.assertLess(made.relus, made["lossless"]["relus"])

    def test_what_does_not_fit_is_said(self):
        with self.assertRaisesRegex(ValueError, "no ReLU layer relu77"):
            bridge.apply(self.model, {"relu77": np.zeros((1, 1, 1), np.uint8)}, self.example)
        with self.assertRaisesRegex(ValueError, r"relu00: the mask has the shape \[1, 1, 1\]"):
            bridge.apply(self.model, {"relu00": np.zeros((1, 1, 1), np.uint8)}, self.example)
        with self.assertRaisesRegex(ValueError, "relu01.quadratic with their coefficients is missing"):
            shape = next(m.shape for m in bridge.apply(self.model, {}, self.example).modules() if getattr(m, "layer", "") == "relu01")
            bridge.apply(self.model, {"relu01": np.full(shape, 3, np.uint8)}, self.example)
        with self.assertRaisesRegex(ValueError, "give an example"):
            bridge.apply(self.model, {})

        class Asks(nn.Module):
            def forward(self, x):
                return F.relu(x) if x.sum() > 0 else x

        with self.assertRaisesRegex(ValueError, "cannot trace"):
            bridge.apply(Asks(), {}, self.example)

    def test_onnx_files(self):
        try:
            import onnx2torch  # noqa: F401
        except ImportError:
            with self.assertRaisesRegex(ImportError, "onnx2torch"):
                bridge.apply(relinc.example(), {})
            self.skipTest("onnx2torch is not installed; its absence is said")
        found = relinc.compile(relinc.example(), self.dir / "out", budget="40%", data=DATA, rounds=1, calibration=32, protocol="semi2k", network="wan").masks()
        network = bridge.apply(relinc.example(), found)
        self.same_as_relinc(network, relinc.example(), found)


if __name__ == "__main__":
    unittest.main()
