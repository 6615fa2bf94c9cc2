"""Executes the tutorial's notebook from top to bottom, in a folder of its own.

usage: notebook.py [NOTEBOOK]

It wants the packages of python/requirements.txt and relinc itself, installed. Prints how long each cell took.
"""

import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

SECONDS = 600
GIVEN = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "docs/tutorial.ipynb"

notebook = nbformat.read(GIVEN, as_version=4)
nbformat.validate(notebook)
stale = [i for i, c in enumerate(notebook.cells) if c.get("outputs") or c.get("execution_count")]
assert not stale, f"cells {stale} hold outputs: commit the notebook without them"
with tempfile.TemporaryDirectory() as folder:
    client, began = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": folder}}), time.monotonic()
    with client.setup_kernel():
        for i, cell in enumerate(notebook.cells):
            start = time.monotonic()
            client.execute_cell(cell, i)
            if cell.cell_type == "code":
                print(f"{time.monotonic() - start:6.1f} s  {cell.source.splitlines()[-1][:90]}", flush=True)
print(f"{GIVEN.name}: {sum(c.cell_type == 'code' for c in notebook.cells)} cells in {time.monotonic() - began:.0f} s")
