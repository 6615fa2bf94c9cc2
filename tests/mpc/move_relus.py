"""Moves the ReLUs of a mask file into fewer layers; only the count is kept, not the accuracy.

usage: move_relus.py MASKS.safetensors OUT.safetensors LAYERS

LAYERS layers, spread evenly over the network, get all kept ReLUs, in proportion to their sizes and at the front of each;
all other elements become the identity. With 0 layers none is left.
"""

import json
import sys

import numpy as np


def load(path):
    """The mask of every layer, by name, in order; slopes are left out."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    names = sorted(name for name in header if name != "__metadata__" and not name.endswith(".slope"))
    cut = lambda entry: np.frombuffer(data[slice(*entry["data_offsets"])], np.uint8).reshape(entry["shape"])
    return {name: cut(header[name]) for name in names}


def save(path, masks):
    header, at = {"__metadata__": {"relinc_masks": "1"}}, 0
    for name, mask in masks.items():
        header[name] = {"dtype": "U8", "shape": list(mask.shape), "data_offsets": [at, at + mask.size]}
        at += mask.size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for mask in masks.values():
            file.write(mask.tobytes())


def main():
    masks, layers = load(sys.argv[1]), int(sys.argv[3])
    kept = sum(int((mask == 1).sum()) for mask in masks.values())
    names = list(masks)
    chosen = [names[i * len(names) // layers] for i in range(layers)]
    room = sum(masks[name].size for name in chosen)
    if layers and kept > room:
        sys.exit(f"{kept} ReLUs do not fit into {layers} layers of {room} elements")
    moved, seen, given = {}, 0, 0
    for name, mask in masks.items():
        moved[name] = np.zeros_like(mask)
        if name in chosen:
            seen += mask.size
            part = kept * seen // room - given
            moved[name].reshape(-1)[:part] = 1
            given += part
    save(sys.argv[2], moved)
    print(json.dumps({name: int(mask.sum()) for name, mask in moved.items()}))


if __name__ == "__main__":
    main()
