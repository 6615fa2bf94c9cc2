"""The commands of relinc, one function each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .masks import Masks
from .program import Answer, call
from .results import Document, Inspection, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    File = str | os.PathLike[str]
    GivenMasks = File | Mapping[str, np.ndarray] | None

Result = TypeVar("Result")


def _as(make: Callable[[Any], Result], command: str, *words: Any, **options: Any) -> Result:
    """The result of a command, also in the answer of no."""
    try:
        return make(call(command, *words, **options))
    except Answer as no:
        no.result = make(no.result) if no.result is not None else None
        raise


@contextmanager
def _file(masks: GivenMasks) -> Iterator[File | None]:
    """Masks as a file."""
    if isinstance(masks, Mapping):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "masks.safetensors"
            (masks if isinstance(masks, Masks) else Masks(masks)).save(path)
            yield path
    else:
        yield masks


def inspect(model: File, *, budgets: Sequence[str] = (), data: str | None = None, **options: Any) -> Inspection:
    """What is in a model and what a query of it costs; with `budgets`, what those would cost."""
    return _as(Inspection, "inspect", model, budgets=",".join(budgets) or None, data=data, **options)


def init(model: File, *, data: str, out: File = "pipeline.yaml", **options: Any) -> Document:
    """Writes a first pipeline for a model and its data, with what it will take."""
    return _as(Document, "init", model, data=data, out=out, **options)


def compile(model: File, out: File, *, masks: GivenMasks = None, budget: str | None = None, data: str | None = None, **options: Any) -> Report:
    """Compiles a model under masks, or under those that a search without training finds for a budget."""
    with _file(masks) as given:
        return _as(lambda d: Report(d, out), "compile", model, out=out, masks=given, budget=budget, data=data, **options)


def run(pipeline: File, out: File | None = None, **options: Any) -> Report:
    """Runs a pipeline file: train, search, tune, compile, report."""
    folder = Path("out") / Path(pipeline).stem if out is None else Path(out)
    return _as(lambda d: Report(d, folder), "run", pipeline, out=folder, **options)


def train(model: File, out: File, *, data: str, **options: Any) -> Report:
    """Trains a network with all its ReLUs."""
    return _as(lambda d: Report(d, out), "train", model, out=out, data=data, **options)


def search(model: File, out: File, *, data: str, budget: str, **options: Any) -> Report:
    """Learns masks."""
    return _as(lambda d: Report(d, out), "search", model, out=out, data=data, budget=budget, **options)


def tune(model: File, out: File, *, data: str, masks: GivenMasks, **options: Any) -> Report:
    """Fine-tunes a network with its masks frozen."""
    with _file(masks) as given:
        return _as(lambda d: Report(d, out), "tune", model, out=out, data=data, masks=given, **options)


def sweep(pipeline: File, budgets: Sequence[str], **options: Any) -> Document:
    """Accuracy against bytes and time over several budgets."""
    return _as(Document, "sweep", pipeline, budgets=",".join(budgets), **options)


def eval(model: File, data: str, *, masks: GivenMasks = None, **options: Any) -> Document:
    """How often a model is right: clean, corrupted, under attack."""
    with _file(masks) as given:
        return _as(Document, "eval", model, data=data, masks=given, **options)


def verify(a: File, b: File | None = None, *, masks: GivenMasks = None, **options: Any) -> Document:
    """Do two models compute the same? Raises Answer where they do not."""
    with _file(masks) as given:
        return _as(Document, "verify", a, *([] if b is None else [b]), masks=given, **options)


def measure(folder: File, **options: Any) -> Document:
    """Runs a compiled artefact on the installed runtime: predicted against measured."""
    return _as(Document, "measure", folder, **options)


def report(folder: File) -> Report:
    """The report in a folder that relinc wrote."""
    return Report.read(folder)


def explain(word: str, *, in_: File | None = None) -> Document:
    """What a pass, a protocol or the code of an error is; with `in_`, a ReLU layer of a compiled network."""
    return _as(Document, "explain", word, in_=in_)


def architecture(out: File, **options: Any) -> Document:
    """Builds a network with random weights as ONNX."""
    return _as(Document, "architecture", out=out, **options)


def data(spec: str, out: File, **options: Any) -> Document:
    """Writes a data set's images and labels as .npy files."""
    return _as(Document, "data", spec, out=out, **options)


def passes() -> list[dict[str, Any]]:
    """Every pass."""
    return list(call("passes"))


def protocols() -> list[dict[str, Any]]:
    """Every cost model."""
    return list(call("protocols"))


def devices() -> Any:
    """What it can train on here."""
    return call("devices")


def example() -> Path:
    """A small residual network for the images `shapes`, which relinc draws itself."""
    return Path(__file__).parent / "shapes_resnet.onnx"
