"""Draws docs/figures/gain.svg from the first table of docs/results.md: seconds of communication, and the accuracy beside them.

usage: figures.py [--check]     --check: exit 1 where the figure is not that of the table
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIGURE = ROOT / "docs/figures/gain.svg"
ROWS = {
    "original": "the original",
    "compiled, all ReLUs": "compiled, all ReLUs",
    "3 ReLU layers": "3 ReLU layers, 9 quadratic",
    "2 ReLU layers": "2 ReLU layers, 9 quadratic",
    "no ReLU": "no ReLU, 9 quadratic",
}
LEFT, WIDTH, TOP, STEP, BAR = 212, 380, 74, 34, 20


def rows():
    text = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    for begin, name in ROWS.items():
        found = re.search(rf"^\| {re.escape(begin)}[^|]*\|[^|]*\| ([\d.]+)[^|]*\|[^|]*\|[^|]*\| ([\d.]+) \|", text, re.M)
        if not found:
            sys.exit(f"figures: docs/results.md has no row that begins with '{begin}'")
        yield name, float(found[2]), found[1]


def draw():
    data = list(rows())
    most = max(seconds for _, seconds, _ in data)
    height = TOP + STEP * len(data) + 30
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" role="img" font-family="system-ui, sans-serif" font-size="14">',
        "<title>Seconds of communication of a private query of a ResNet-20, and its accuracy</title>",
        "<style>text{fill:#24292f}.c{fill:#fff}.s{fill:#57606a}.a{fill:#9aa4b2}.b{fill:#3f51b5}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.c{fill:#0d1117}.s{fill:#9da7b3}.a{fill:#6b7684}.b{fill:#8c9eff}}</style>",
        f'<rect class="c" width="760" height="{height}" rx="8"/>',
        '<text x="20" y="28" font-size="16" font-weight="600">What a private query of a ResNet-20 waits for the network</text>',
        '<text class="s" x="20" y="50">CIFAR-10; SPU SEMI2K over 40 ms round trip and 100 Mbit/s, a later query, predicted</text>',
        '<text class="s" x="740" y="68" text-anchor="end">accuracy, 10,000 images</text>',
    ]
    for i, (name, seconds, accuracy) in enumerate(data):
        y = TOP + STEP * i
        wide = WIDTH * seconds / most
        out += [
            f'<text x="{LEFT - 12}" y="{y + 15}" text-anchor="end">{name}</text>',
            f'<rect class="{"a" if i < 2 else "b"}" x="{LEFT}" y="{y}" width="{wide:.1f}" height="{BAR}" rx="2"/>',
            f'<text x="{LEFT + wide + 8:.1f}" y="{y + 15}">{seconds:.2f} s</text>',
            f'<text x="740" y="{y + 15}" text-anchor="end">{accuracy} %</text>',
        ]
    out.append(f'<text class="s" x="{LEFT}" y="{height - 12}" font-size="12">0 s</text>')
    return "\n".join([*out, "</svg>", ""])


if __name__ == "__main__":
    drawn = draw()
    if "--check" in sys.argv[1:]:
        sys.exit(0 if FIGURE.read_text(encoding="utf-8") == drawn else "figures: docs/figures/gain.svg is stale: run python3 book/figures.py")
    FIGURE.parent.mkdir(exist_ok=True)
    FIGURE.write_text(drawn, encoding="utf-8")
