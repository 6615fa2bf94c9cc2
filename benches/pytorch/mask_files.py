"""Masks: how many ReLUs each layer keeps, first masks, rankings, and the safetensors files that hold them."""

import json

import numpy as np
import torch

DTYPES = {"U8": np.uint8, "I32": np.int32, "I64": np.int64, "F32": np.float32, "F64": np.float64}


def write_safetensors(path, tensors, metadata=None):
    """`tensors`: name → numpy array; little-endian, in the order given."""
    names = {np.dtype(v): k for k, v in DTYPES.items()}
    header, blobs, at = {}, [], 0
    if metadata:
        header["__metadata__"] = metadata
    for name, array in tensors.items():
        array = np.asarray(array)
        blob = array.tobytes()
        header[name] = {"dtype": names[array.dtype], "shape": list(array.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def read_safetensors(path):
    """name → numpy array."""
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        body = f.read()
    header.pop("__metadata__", None)
    out = {}
    for name, t in header.items():
        start, end = t["data_offsets"]
        out[name] = np.frombuffer(body[start:end], DTYPES[t["dtype"]]).reshape(t["shape"]).copy()
    return out


def write_masks(path, net, masks, budget):
    """relinc's `masks.safetensors`: u8 C×H×W per layer, 1 = ReLU, 0 = identity."""
    arrays = {l: masks[l].cpu().numpy().astype(np.uint8).reshape(net.mask_shape(l)) for l in net.layers}
    write_safetensors(path, arrays, {"relinc_masks": "1", "model_sha256": net.sha256, "budget": str(budget)})


def read_masks(path, net):
    """layer → bool mask in the shape of the activation; files with zeroed elements or slopes are refused."""
    arrays = read_safetensors(path)
    strange = [n for n, a in arrays.items() if n not in net.layers or a.max(initial=0) > 1]
    if strange or len(arrays) != len(net.layers):
        raise SystemExit(f"{path}: needs one mask of 0 and 1 for each layer of the model; wrong: {strange}")
    return {l: torch.from_numpy(arrays[l]).bool().reshape(net.shapes[l]) for l in net.layers}


def allocate(caps, eta, budget):
    """n_l ∝ η_l, capped at the layer's size, the overflow shared out again (SENet, arXiv 2301.09254); rounded by largest
    remainder, ties to the earlier layer."""
    caps, eta = np.asarray(caps), np.asarray(eta, float)
    budget = min(budget, int(caps.sum()))
    n, full = np.zeros(len(caps)), caps == 0
    while budget - n.sum() > 1e-9 and not full.all():
        weight = np.where(full, 0, eta)
        weight = weight / weight.sum() if weight.sum() > 0 else ~full / (~full).sum()
        n = np.minimum(n + (budget - n.sum()) * weight, caps)
        full = full | (caps - n < 1e-9)
    whole = np.floor(n + 1e-9).astype(int)
    remainder = np.where(whole < caps, n - whole, -1.0)
    for l in np.argsort(-remainder, kind="stable")[: budget - whole.sum()]:
        whole[l] += 1
    return [int(v) for v in whole]


def first_masks(net, counts, rng):
    """A random H×W map of the layer's density, the same for all channels: round(n_l / C) of the H·W positions.
    Layers without spatial size keep n_l random elements."""
    masks = {}
    for layer, count in zip(net.layers, counts):
        c, h, w = net.mask_shape(layer)
        shape, kept = ((1, h, w), int(count / c + 0.5)) if h * w > 1 else ((c, 1, 1), count)
        flat = np.zeros(int(np.prod(shape)), bool)
        flat[rng.permutation(flat.size)[:kept]] = True
        full = np.broadcast_to(flat.reshape(shape), (c, h, w)).copy()
        masks[layer] = torch.from_numpy(full).reshape(net.shapes[layer])
    return masks


def top(scores, count):
    """A bool mask of the `count` largest scores; ties keep the earlier element."""
    order = torch.sort(scores.flatten(), descending=True, stable=True).indices
    mask = torch.zeros(scores.numel(), dtype=torch.bool)
    mask[order[:count]] = True
    return mask.reshape(scores.shape)


def top_overall(scores, count):
    """The same over all layers at once; `scores`: layer → tensor."""
    flat = top(torch.cat([s.flatten() for s in scores.values()]), count)
    parts = flat.split([s.numel() for s in scores.values()])
    return {l: m.reshape(scores[l].shape) for (l, m) in zip(scores, parts)}


def hamming(a, b):
    """Share of all elements that differ between two sets of masks."""
    return sum(int((a[l] ^ b[l]).sum()) for l in a) / sum(a[l].numel() for l in a)
