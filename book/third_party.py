"""Writes THIRD-PARTY.md: every crate in the binary and its licence, and the texts that their authors ship.

usage: third_party.py [--check] [--texts FILE]

From `cargo tree` and `cargo metadata`, both `--locked`, with the default features, for the platform that it runs on; crates for tests and builds alone are left out.
`--check` writes nothing and fails where the list is not what it would write. `--texts FILE` writes all licence texts as well, as a package of the binary
has to carry them. Which licences are allowed is cargo-deny's work (deny.toml).
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "THIRD-PARTY.md"
NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE")


def run(*words):
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def shipped(host):
    """The packages that normal dependencies reach from the binary; what macros depend on runs while it is built, and is not in it."""
    tree = run("cargo", "tree", "--locked", "-p", "relinc", "-e", "normal,no-proc-macro", "--target", host, "--prefix", "none", "-f", "{p}")
    reached = {tuple(line.split()[:2]) for line in tree.splitlines() if line.strip()}
    packages = json.loads(run("cargo", "metadata", "--format-version", "1", "--locked"))["packages"]
    found = [p for p in packages if p["source"] and (p["name"], f"v{p['version']}") in reached]
    return sorted(found, key=lambda p: (p["name"], p["version"]))


def listing(packages, host):
    by_licence = defaultdict(int)
    for p in packages:
        by_licence[p["license"] or "in a file"] += 1
    out = [
        "# Third-party crates", "",
        f"The {len(packages)} crates that are compiled into `relinc` with its default features on {host}, as `python3 book/third_party.py` found them.",
        "`--texts FILE` collects their licence texts for a package of the binary.", "",
        "| licence | crates |", "|---|---|",
        *(f"| {licence} | {n} |" for licence, n in sorted(by_licence.items(), key=lambda e: (-e[1], e[0]))), "",
        "| crate | version | licence |", "|---|---|---|",
        *(f"| {p['name']} | {p['version']} | {p['license'] or 'in a file'} |" for p in packages),
    ]
    return "\n".join(out) + "\n"


def texts(packages):
    """Every licence text once, with the crates that carry it."""
    carried, without = defaultdict(list), []
    for p in packages:
        folder = Path(p["manifest_path"]).parent
        found = [f for f in sorted(folder.iterdir()) if f.is_file() and f.name.upper().startswith(NAMES)]
        for file in found:
            carried[file.read_text(encoding="utf-8", errors="replace").strip()].append(f"{p['name']} {p['version']} ({file.name})")
        if not found:
            without.append(f"{p['name']} {p['version']}: {p['license']}; no text in the package")
    parts = ["\n".join(["=" * 80, *names, "=" * 80, "", text]) for text, names in sorted(carried.items(), key=lambda e: e[1])]
    return "\n\n".join([*parts, "\n".join(without)]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--texts", type=Path)
    options = parser.parse_args()
    host = next(line.split()[1] for line in run("rustc", "-vV").splitlines() if line.startswith("host:"))
    packages = shipped(host)
    if options.texts:
        options.texts.write_text(texts(packages), encoding="utf-8")
    wanted = listing(packages, host)
    if not options.check:
        LIST.write_text(wanted, encoding="utf-8")
    elif LIST.read_text(encoding="utf-8") != wanted:
        print("THIRD-PARTY.md lists other crates than are compiled in: python3 book/third_party.py writes it anew")
        return 1
    print(f"{len(packages)} crates are listed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
