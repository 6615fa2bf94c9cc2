#!/usr/bin/env python3
"""Writes an image as the input of the player who owns it, as MP-SPDZ reads it: one number a line, row-major.

    write_input.py IMAGE.npy -o MP-SPDZ/Player-Data/NAME-P1-0 [--index I]

IMAGE.npy holds f32 as the network takes it, one image or [N, ...].  The same for every model but for SHAPE; needs numpy.

Exit codes: 0 written, 2 bad usage or bad input.
"""

import argparse
import os
import sys
from pathlib import Path

SHAPE = (@SHAPE@,)  # of one image


def read(file, index):
    """The numbers of one image; a ValueError in words where there are none."""
    import numpy as np

    try:
        images = np.load(file, allow_pickle=False)
    except (OSError, ValueError) as err:
        raise ValueError(f"{file} is not a .npy array: {err}") from None
    if images.dtype.kind not in "fiu" or SHAPE not in (images.shape, images.shape[1:]):
        raise ValueError(f"{file} holds {images.dtype} {list(images.shape)}, the network takes f32 {list(SHAPE)}")
    images = images.reshape(-1, *SHAPE)
    if index >= len(images):
        raise ValueError(f"--index {index}, but {file} holds {len(images)} image(s)")
    image = images[index].astype(np.float32).reshape(-1)
    if not np.isfinite(image).all():
        raise ValueError(f"{file} holds infinite or undefined values, which fixed point cannot say")
    return image


def main(argv):
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description="Write an image as a player's input of MP-SPDZ.")
    parser.add_argument("image", metavar="IMAGE.npy")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE")
    parser.add_argument("--index", type=int, default=0, metavar="I", help="which image of several (default 0)")
    options = parser.parse_args(argv)
    try:
        image = read(options.image, max(0, options.index))
        partial = options.output.with_name(options.output.name + ".partial")
        partial.write_text("".join(f"{x}\n" for x in image.tolist()))
        os.replace(partial, options.output)
    except (ValueError, OSError) as err:
        print(f"write_input.py: {err}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
