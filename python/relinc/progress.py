"""How far a command is."""

from __future__ import annotations

import json
import sys
from types import TracebackType
from typing import Any

try:
    from tqdm.auto import tqdm
except ImportError:
    tqdm = None

# A bar of the whole work has so many steps.
WHOLE = 1000


def in_notebook() -> bool:
    """Is this code run by a kernel?"""
    return "ipykernel" in sys.modules


class Watch:
    """Shows what a command says of its progress, one JSON object a line."""

    def __init__(self, shown: bool | None) -> None:
        self.shown = (in_notebook() or sys.stderr.isatty()) if shown is None else shown
        self.bar: Any = None

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.close()

    def told(self, line: str) -> None:
        """Takes a line of the command's stderr."""
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            said = {"text": line.rstrip(), "stays": True}
        if not self.shown:
            return
        if said.get("stays"):
            tqdm.write(said["text"], file=sys.stderr) if tqdm else print(said["text"], file=sys.stderr)
        elif tqdm:
            self.move(said)

    def move(self, said: dict[str, Any]) -> None:
        share, done, of = said.get("share"), said.get("done"), said.get("of")
        total, at = (WHOLE, round(WHOLE * share)) if share is not None else (of, done or 0)
        if self.bar is None:
            self.bar = tqdm(total=total, leave=False, bar_format="{percentage:3.0f}% |{bar}| {elapsed}, {desc}")
        if self.bar.total != total:
            self.bar.reset(total)
        self.bar.n = at
        self.bar.set_description_str(said["text"], refresh=False)
        self.bar.refresh()
