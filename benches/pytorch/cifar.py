"""CIFAR-10 in the binary layout, normalisation, and the crop-and-flip augmentation."""

import lzma
import os

import numpy as np
import torch

NORMS = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "raw": ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),
}
TRAIN = [f"data_batch_{i}.bin" for i in range(1, 6)]


def read(folder, split, limit=None):
    """The first `limit` images as u8 N×3×32×32 and labels as int64, in file order; `.bin` or `.bin.xz`."""
    images, labels, rest = [], [], limit
    for name in TRAIN if split == "train" else ["test_batch.bin"]:
        path = os.path.join(folder, name)
        with open(path, "rb") if os.path.exists(path) else lzma.open(path + ".xz") as f:
            data = f.read() if rest is None else f.read(rest * 3073)
        records = np.frombuffer(data, np.uint8).reshape(-1, 3073)
        images.append(records[:, 1:].reshape(-1, 3, 32, 32))
        labels.append(records[:, 0].astype(np.int64))
        if rest is not None:
            rest -= len(records)
            if rest <= 0:
                break
    return torch.from_numpy(np.concatenate(images)), torch.from_numpy(np.concatenate(labels))


class Normalize:
    """(pixel − mean) / std per channel, of pixels in 0…1."""

    def __init__(self, name, dtype=torch.float32):
        mean, std = NORMS[name]
        self.mean = torch.tensor(mean, dtype=dtype).view(1, 3, 1, 1)
        self.std = torch.tensor(std, dtype=dtype).view(1, 3, 1, 1)

    def __call__(self, pixels):
        if pixels.dtype == torch.uint8:
            pixels = pixels.to(self.mean.dtype) / 255
        return (pixels - self.mean) / self.std


def draw_crops(rng, shape):
    """u8 `shape`×3: row and column offset of the crop, each 0…8, and whether it is then mirrored."""
    return np.stack([rng.integers(0, 9, shape), rng.integers(0, 9, shape), rng.integers(0, 2, shape)], -1).astype(np.uint8)


def crop_flip(images, crops):
    """Pads u8 images by four black pixels, cuts 32×32 at each image's offsets, then mirrors left to right."""
    n, c, h, w = images.shape
    crops = torch.as_tensor(crops).long()
    padded = torch.nn.functional.pad(images, (4, 4, 4, 4))
    rows = crops[:, 0:1] + torch.arange(h)
    columns = torch.arange(w).expand(n, w)
    columns = crops[:, 1:2] + torch.where(crops[:, 2:3] == 1, w - 1 - columns, columns)
    pick = torch.arange(n).view(n, 1, 1, 1), torch.arange(c).view(1, c, 1, 1)
    return padded[*pick, rows.view(n, 1, h, 1), columns.view(n, 1, 1, w)]
