"""What commands return."""

from __future__ import annotations

import html
import json
import os
import webbrowser
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .masks import Masks

if TYPE_CHECKING:
    import pandas as pd

# What stands in a column of a cost, and what it is called in a table.
_SPENT = {"online_bytes": "bytes", "rounds": "exchanges", "latency_s": "seconds", "latency_is": "seconds are of"}


class Document(dict[str, Any]):
    """A command's JSON document; the reference of the command line says what is in it."""


def rows(cost: Iterable[dict[str, Any]], now: str) -> list[dict[str, Any]]:
    """A price as flat rows: protocol, network, network model, what one query sends and takes, and a later one."""
    out = []
    for c in cost:
        place = {k: c[k] for k in ("protocol", "network", "weights")}
        for what, spent in (("original", c["before"]), ("compiled, all ReLUs", c["lossless"]), (now, c)):
            if spent is not None:
                figures = {said: spent[key] for key, said in _SPENT.items()}
                # A session's later queries, where they pay less than the first.
                later = spent.get("later") or {}
                computing = later.get("compute_s") if spent["latency_is"] == "query" else 0
                seconds = spent["latency_s"]
                if later:
                    seconds = None if computing is None else later["communication_s"] + computing
                out.append(
                    place
                    | {"network is": what}
                    | figures
                    | {
                        "later bytes": later.get("online_bytes", spent["online_bytes"]),
                        "later exchanges": later.get("rounds", spent["rounds"]),
                        "later seconds": seconds,
                        "complete": spent["complete"],
                    }
                )
    return out


def frame(of: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a data frame."""
    try:
        import pandas
    except ImportError as e:
        raise ImportError("a data frame wants the package pandas; rows() does without") from e
    return pandas.DataFrame(of)


class Inspection(Document):
    """What is in a model, and what it would cost."""

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The ReLU layers, in the order of their names."""
        layers: list[dict[str, Any]] = self["layers"]
        return layers

    def rows(self) -> list[dict[str, Any]]:
        """Predicted costs: the file as it is, compiled with all its ReLUs, and each budget that was asked for."""
        whole = [r for r in rows(self["cost"], "") if r["network is"]]
        met = [b for b in self.get("budgets", []) if "unmet" not in b]
        return whole + [r for b in met for r in rows(b["cost"], b["budget"]) if r["network is"] == b["budget"]]

    def frame(self) -> pd.DataFrame:
        """The same as a data frame."""
        return frame(self.rows())

    def __repr__(self) -> str:
        return f"<relinc.Inspection of {self['model']['path']}: {self['totals']['relus']:,} ReLUs in {len(self.layers)} layers>"


class Report(Document):
    """What was compiled, what it costs and how often it is right. A notebook shows the page."""

    #: The output folder.
    folder: Path

    def __init__(self, document: dict[str, Any], folder: str | os.PathLike[str]) -> None:
        super().__init__(document)
        self.folder = Path(folder)

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Report:
        """The report in a folder that relinc wrote."""
        return cls(json.loads((Path(folder) / "report.json").read_text(encoding="utf-8")), folder)

    @property
    def verdict(self) -> str:
        """What there is to say, and the commands that mend what stands against it."""
        found = self.get("verdict") or {}
        return "\n".join([*found.get("sentences", []), *found.get("next", [])])

    @property
    def accuracy(self) -> tuple[float | None, float | None]:
        """Percent of the images that are right, before and after; None where it was not measured."""
        found = self.get("accuracy") or {}
        before, after = ((found.get(k) or {}).get("clean") for k in ("before", "after"))
        return before, after

    @property
    def relus(self) -> int:
        """ReLUs that are left."""
        return int(self["totals"]["relus"])

    def masks(self) -> Masks:
        """The masks of the compiled network."""
        return Masks.load(self.folder / "masks.safetensors")

    def rows(self) -> list[dict[str, Any]]:
        """Predicted costs: the original, compiled with all its ReLUs, and this network."""
        return rows(self["cost"], "this network")

    def frame(self) -> pd.DataFrame:
        """The same as a data frame."""
        return frame(self.rows())

    def open(self) -> None:
        """Shows the page in the browser."""
        webbrowser.open((self.folder / "report.html").resolve().as_uri())

    def __str__(self) -> str:
        return (self.folder / "report.txt").read_text(encoding="utf-8")

    def __repr__(self) -> str:
        before, after = (f"{a:.1f}" if a is not None else "?" for a in self.accuracy)
        return f"<relinc.Report of {self.folder}: {self.relus:,} ReLUs, accuracy {before} → {after} %>"

    def _repr_html_(self) -> str:
        page = html.escape((self.folder / "report.html").read_text(encoding="utf-8"))
        return f'<iframe srcdoc="{page}" style="width: 100%; height: 40em; border: 0"></iframe>'
