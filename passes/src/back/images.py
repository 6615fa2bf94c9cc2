"""A client's images as the network takes them."""

from pathlib import Path

import numpy as np

import run

PICTURES = (".png", ".jpg", ".jpeg")


def load(inputs, manifest, normalize, resize):
    """Names and values f32 [N, C, H, W] of files and folders, in the order given, those of a folder by name."""
    files = []
    for given in map(Path, inputs):
        if given.is_dir():
            inside = sorted(f for f in given.iterdir() if f.suffix.lower() in (*PICTURES, ".npy"))
            if not inside:
                raise run.UsageError(f"{given} holds no .npy, PNG or JPEG file")
            files += inside
        else:
            files.append(given)
    names, parts = [], []
    for file in files:
        if file.suffix.lower() in PICTURES:
            values = picture(file, manifest, normalize, resize)[None]
        else:
            values = array(file, manifest)
        parts.append(values)
        names += [str(file)] if len(values) == 1 else [f"{file}[{i}]" for i in range(len(values))]
    images = np.concatenate(parts)
    if not len(images):
        raise run.UsageError(f"{files[0]} holds no image")
    return names, images


def array(file, manifest):
    """All images of a .npy file."""
    try:
        count = len(np.load(file, allow_pickle=False, mmap_mode="r"))
    except (FileNotFoundError, ValueError, OSError, TypeError):
        count = 1  # the next call says what is wrong
    shape = tuple(manifest["input"]["shape"])
    try:
        single = np.load(file, allow_pickle=False, mmap_mode="r").shape == shape[1:]
    except (ValueError, OSError):
        single = False
    return run.load_images(manifest, str(file), 1 if single else count)


def picture(file, manifest, normalize, resize):
    """One picture [C, H, W]: values from 0 to 1, brought to the network's mean and scale."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise run.UsageError(f"{file}: PNG and JPEG need Pillow: pip install pillow; or give .npy") from None
    shape = manifest["input"]["shape"]
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise run.UsageError(f"{file}: the network takes {shape[1:]}, no pictures; give .npy")
    channels, height, width = shape[1:]
    mean, std = scales(file, manifest, normalize, channels)
    try:
        with Image.open(file) as opened:
            opened = opened.convert("RGB" if channels == 3 else "L")
            if opened.size != (width, height):
                if not resize:
                    raise run.UsageError(
                        f"{file} has {opened.size[0]}x{opened.size[1]} pixels, the network takes {width}x{height}; --resize brings it there"
                    )
                opened = opened.resize((width, height), Image.Resampling.BILINEAR)
            values = np.asarray(opened, dtype=np.float32).reshape(height, width, channels) / 255
    except FileNotFoundError:
        raise run.UsageError(f"{file} is missing") from None
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as err:
        raise run.UsageError(f"{file} is no picture that can be read: {err}") from None
    return np.ascontiguousarray(((values - mean) / std).transpose(2, 0, 1), dtype=np.float32)


def scales(file, manifest, normalize, channels):
    """Mean and standard deviation by channel, of values from 0 to 1."""
    if normalize:
        try:
            mean, std = ([float(x) for x in part.split(",")] for part in normalize.split("/"))
        except ValueError:
            raise run.UsageError(f"--normalize {normalize}: must be MEAN/STD, numbers separated by commas") from None
    elif manifest.get("normalize"):
        mean, std = manifest["normalize"]["mean"], manifest["normalize"]["std"]
    else:
        raise run.UsageError(
            f"{file}: the artefact does not say how its images are normalised; give --normalize MEAN/STD or .npy, "
            "or compile with --data"
        )
    if not (len(mean) == len(std) == channels and all(s > 0 for s in std)):
        raise run.UsageError(f"normalisation by {len(mean)} means and {len(std)} positive deviations, of {channels} channels")
    return np.array(mean, np.float32), np.array(std, np.float32)
