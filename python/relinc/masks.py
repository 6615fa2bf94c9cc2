"""Masks as numpy arrays."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: What an element becomes.
IDENTITY, RELU, ZERO, QUADRATIC, UNCAPPED = range(5)

_KINDS = {"U8": "<u1", "F32": "<f4"}


class Masks(dict[str, "np.ndarray"]):
    """What becomes of every ReLU: `relu00` → uint8 [C, H, W], and where there are such, `relu00.slope` → float32 [C] and
    `relu00.quadratic` → float32 [C, 3]. A layer without an array keeps all its ReLUs.

    Values: 0 identity, 1 ReLU, 2 zero, 3 quadratic a·x² + b·x + c, 4 a ReLU without its layer's cap.
    """

    #: The file's own words: what the masks were made for.
    metadata: dict[str, str]

    def __init__(self, *arrays: object, **named: np.ndarray) -> None:
        super().__init__(*arrays, **named)
        self.metadata = {}

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Masks:
        """Reads masks.safetensors."""
        import numpy as np

        raw = Path(path).read_bytes()
        try:
            start = 8 + int.from_bytes(raw[:8], "little")
            header = json.loads(raw[8:start])
            found = cls()
            found.metadata = header.pop("__metadata__", {})
            for name, tensor in sorted(header.items()):
                low, high = (start + at for at in tensor["data_offsets"])
                if high > len(raw):
                    raise ValueError(f"{name} goes beyond the end of the file")
                found[name] = np.frombuffer(raw[low:high], _KINDS[tensor["dtype"]]).reshape(tensor["shape"]).copy()
        except (ValueError, KeyError, TypeError) as e:
            raise ValueError(f"{path}: not a mask file: {e}") from e
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a mask file, as a whole or not at all."""
        import numpy as np

        header: dict[str, object] = {
            # The checksum was of the file that was read.
            "__metadata__": {k: v for k, v in self.metadata.items() if k not in ("relinc_sha256", "relinc_version")} | {"relinc_masks": "1"}
        }
        body = b""
        for name, array in sorted(self.items()):
            kind = "F32" if "." in name else "U8"
            if kind == "U8" and not np.isin(array, range(5)).all():
                raise ValueError(f"{name} has values other than 0 (identity), 1 (ReLU), 2 (zero), 3 (quadratic) and 4 (uncapped)")
            data = np.ascontiguousarray(array, _KINDS[kind]).tobytes()
            header[name] = {"dtype": kind, "shape": list(np.shape(array)), "data_offsets": [len(body), len(body) + len(data)]}
            body += data
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        part = Path(f"{os.fspath(path)}.part")
        part.write_bytes(len(text).to_bytes(8, "little") + text + body)
        part.replace(path)

    @property
    def layers(self) -> list[str]:
        """The names of the layers."""
        return [name for name in sorted(self) if "." not in name]

    @property
    def kept(self) -> int:
        """Elements that compare."""
        return sum(int(((self[name] == RELU) | (self[name] == UNCAPPED)).sum()) for name in self.layers)

    def __repr__(self) -> str:
        elements = sum(self[name].size for name in self.layers)
        return f"<relinc.Masks of {len(self.layers)} layers: {self.kept:,} of {elements:,} elements keep their ReLU>"
