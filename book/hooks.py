"""MkDocs' hooks for the book: pages that are made while it is built, and links that hold on the page as in the repository."""

import posixpath
import re
from pathlib import Path

import markdown_lists
import notebook
import reference
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent

# Files of the repository outside docs/ that are pages of the book.
BESIDE = {
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "report-a-hole.md",
    "specs/ir.md": "ir.md",
    "examples/quickstart/README.md": "examples-quickstart.md",
    "examples/slurm/README.md": "examples-slurm.md",
    "examples/gpu/README.md": "examples-gpu.md",
    "benches/pytorch/README.md": "benches-pytorch.md",
}
# Where a link to a file that is no page leads.
INSTEAD = {"README.md": "index.md", "docs/tutorial.ipynb": "notebook.md", "specs/report.schema.json": "report-schema.md"}
# Pages that tools write.
MADE = {
    "notebook.md": notebook.page,
    "cli.md": reference.command_line,
    "pipeline.md": reference.pipeline,
    "protocols.md": reference.protocols,
    "report-schema.md": reference.report_schema,
}

FENCE = re.compile(r"^( *)(`{3,}|~{3,}).*?^\1\2`*$", re.M | re.S)
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def on_files(files, config):
    for source, name in BESIDE.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text(encoding="utf-8")))
    for name, make in MADE.items():
        files.append(File.generated(config, name, content=make(ROOT)))
    return files


def on_page_markdown(markdown, page, config, files):
    name = page.file.src_uri
    source = {v: k for k, v in BESIDE.items()}.get(name, f"docs/{name}")

    def link(found):
        words, target = found.groups()
        if re.match(r"[a-z]+:|#", target):
            return found.group()
        path, hash_, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        to = BESIDE.get(path) or INSTEAD.get(path) or (path[5:] if path.startswith("docs/") else None)
        if to is None:
            # Of files that are no pages only the name is left; what is not there at all stays, and MkDocs complains.
            return (words if "`" in words else f"`{words}`") if (ROOT / path).exists() else found.group()
        return f"[{words}]({to}{hash_}{anchor})"

    out, at = [], 0
    for fence in FENCE.finditer(markdown):
        out += [LINK.sub(link, markdown[at : fence.start()]), fence.group()]
        at = fence.end()
    return markdown_lists.four_spaces("".join([*out, LINK.sub(link, markdown[at:])]))
