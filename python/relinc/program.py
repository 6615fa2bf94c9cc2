"""Calls of the program `relinc`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .progress import Watch


class Error(Exception):
    """What the program said when it failed, in its own words."""

    #: The kind of error, such as R301, where `relinc.explain` knows more about it.
    code: str | None
    #: 2 for bad usage or bad input, 128 and a signal's number for a program that was stopped.
    status: int

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        found = re.search(r"\[(R\d+)\]$", words)
        self.code, self.status = found[1] if found else None, status


class Answer(Error):
    """The work was done, and the answer is no: networks that differ, a budget that cannot be met, accuracy that fell too far."""

    #: What the function would have returned; None where it has nothing to show.
    result: Any = None


def find() -> str:
    """The program: $RELINC, else that of this package, else the one on the path."""
    given = os.environ.get("RELINC")
    if given:
        return given
    name = "relinc.exe" if os.name == "nt" else "relinc"
    user = sysconfig.get_preferred_scheme("user")
    # Beside the packages is where `pip install --target` puts programs.
    folders: list[str | Path] = [sysconfig.get_path("scripts"), sysconfig.get_path("scripts", scheme=user), Path(__file__).parents[1] / "bin"]
    beside = (Path(folder) / name for folder in folders)
    found = next((str(p) for p in beside if os.access(p, os.X_OK)), None) or shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"the program relinc is in none of {', '.join(map(str, folders))} and not on the path; set RELINC to it")
    return found


def spelled(options: dict[str, Any]) -> Iterator[str]:
    """Options as the command line has them."""
    for name, value in options.items():
        name = "--" + name.rstrip("_").replace("_", "-")
        several = isinstance(value, Iterable) and not isinstance(value, (str, os.PathLike))
        for one in value if several else [value]:
            if one is True:
                yield name
            elif one is not None and one is not False:
                yield f"{name}={os.fspath(one) if isinstance(one, os.PathLike) else one}"


def call(command: str, *words: Any, progress: bool | None = None, **options: Any) -> Any:
    """Runs a command and returns its document.

    `progress`: shown as a bar where tqdm is installed, else as lines on stderr; by default in notebooks and on terminals.

    Raises Answer where the answer is no, with the document in `result`, and Error where nothing was done.
    """
    line = [find(), command, "--json", "--progress=json", *spelled(options), "--", *map(str, words)]
    environment = {"RELINC_PYTHON": sys.executable, **os.environ}
    wrong: list[str] = []
    # The document goes to a file, so that it cannot fill a pipe while stderr is read.
    with tempfile.TemporaryFile() as out, Watch(progress) as watch:
        child = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, env=environment, encoding="utf-8", errors="replace")
        try:
            assert child.stderr is not None
            for said in child.stderr:
                # An error is the last that is said, and may take several lines.
                if wrong or said.startswith("error: "):
                    wrong.append(said)
                else:
                    watch.told(said)
            status = child.wait()
        except BaseException:
            child.terminate()
            child.wait()
            raise
        finally:
            if child.stderr is not None:
                child.stderr.close()
        out.seek(0)
        printed = out.read()
    document = json.loads(printed) if printed.strip() else None
    if status == 0:
        return document
    words_ = "".join(wrong).removeprefix("error: ").strip() or f"relinc {command} ended with exit code {status}"
    if status == 1:
        answer = Answer(words_, status)
        answer.result = document
        raise answer
    raise Error(words_, status)
