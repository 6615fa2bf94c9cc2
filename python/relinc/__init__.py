"""relinc from Python: the commands as functions, their results as objects, masks as numpy arrays.

Every function calls the `relinc` program that lies in the same wheel, and takes its options by their long names with underscores:
`relinc.compile("model.onnx", "out", budget="50%", data="cifar10:DIR", target=["onnx", "spu"])`. `True` is an option without a value, a
list repeats one, `None` and `False` leave it out. `relinc COMMAND --help` lists them all.
"""

from .commands import (
    architecture,
    compile,
    data,
    devices,
    eval,
    example,
    explain,
    init,
    inspect,
    measure,
    passes,
    protocols,
    report,
    run,
    search,
    sweep,
    train,
    tune,
    verify,
)
from .masks import Masks
from .program import Answer, Error, find
from .results import Document, Inspection, Report

__all__ = [
    "Answer",
    "Document",
    "Error",
    "Inspection",
    "Masks",
    "Report",
    "architecture",
    "compile",
    "data",
    "devices",
    "eval",
    "example",
    "explain",
    "find",
    "init",
    "inspect",
    "measure",
    "passes",
    "protocols",
    "report",
    "run",
    "search",
    "sweep",
    "train",
    "tune",
    "verify",
]
