"""Checks the links of the repository's own Markdown files, as they hold there, and what the pages of the built book load.

usage: links.py [BOOK]

Links within docs/ are MkDocs' business (`--strict`); here it is about README and the files beside it, where links are read as GitHub does.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^( *)(`{3,}).*?^\1\2`*$", re.M | re.S)


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    found = re.findall(r'<a (?:id|name)="([^"]+)"', text)
    for heading in re.findall(r"^#+ (.*?)\s*$", FENCE.sub("", text), re.M):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        found.append(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return found


def broken():
    pages = [p for p in ROOT.rglob("*.md") if not {"target", "out", ".git", "found"} & set(p.relative_to(ROOT).parts) and "template" not in p.name]
    for page in sorted(pages):
        text = FENCE.sub("", page.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", text)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            to = (page.parent / path).resolve() if path else page
            generated = to.parent == ROOT / "docs" and to.name in GENERATED
            if not to.exists() and not generated:
                yield f"{page.relative_to(ROOT)}: {target} is not there"
            elif anchor and to.suffix == ".md" and to.exists() and anchor not in anchors(to.read_text(encoding="utf-8")):
                yield f"{page.relative_to(ROOT)}: {target}: no such heading"


def loaded(book):
    """What a page of the book takes from elsewhere, apart from links that somebody follows."""
    for page in sorted(Path(book).rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        for tag in re.findall(r"<(?:script|img|link|iframe|source)\b[^>]*>", text):
            if re.search(r'(?:src|href)="(?:https?:)?//', tag) and 'rel="canonical"' not in tag:
                yield f"{page.relative_to(book)}: {tag[:100]}"
    for sheet in Path(book).rglob("*.css"):
        for url in re.findall(r"url\((['\"]?https?:[^)]*)\)", sheet.read_text(encoding="utf-8")):
            yield f"{sheet.relative_to(book)}: {url}"


# Pages that are made while the book is built.
GENERATED = {"cli.md", "pipeline.md", "protocols.md", "report-schema.md", "contributing.md"}

if __name__ == "__main__":
    said = [*broken(), *(loaded(sys.argv[1]) if len(sys.argv) > 1 else [])]
    print("\n".join(said) if said else "all links hold")
    sys.exit(1 if said else 0)
