"""The tutorial's notebook as a page."""

import json


def page(root):
    """Its cells, one after the other."""
    cells = json.loads((root / "docs/tutorial.ipynb").read_text(encoding="utf-8"))["cells"]
    out = []
    for cell in cells:
        text = "".join(cell["source"])
        out.append(f"```python\n{text}\n```" if cell["cell_type"] == "code" else text)
    out.insert(1, '<a href="tutorial.ipynb" download>Download it</a>, or read it here. CI executes it from top to bottom.')
    return "\n\n".join(out) + "\n"
