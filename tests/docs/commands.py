"""Runs every shell block of README and the book, as it stands there, on small data.

usage: commands.py RELINC [--only PAGE…]

Each page has a folder of its own, in which its blocks run one after the other. There lie, under the names that the pages use, a small
network, drawn images in the layouts of CIFAR-10, MNIST and a folder a class, a pipeline and masks. `cargo run` is RELINC; other calls of
cargo, and those of pip, are looked at but not made, since CI makes them or they would fetch packages.

What is to be done with a block can stand in a comment before it, or with "of this page" anywhere on the page:

    <!-- commands: check, since there is no card here -->      every option of relinc is looked up in its help, and nothing runs
    <!-- commands: needs spu -->                              runs where RELINC_PYTHON has the package, is checked elsewhere
    <!-- commands: may answer no -->                          exit code 1 will do as well
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import world

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", "docs/*.md", "examples/*/README.md", "benches/pytorch/README.md"]
DO = r"<!-- commands{}: (check|needs \w+|may answer no)[^>]*-->"
BLOCK = re.compile(rf"(?:{DO.format('')}\s*\n)?^( *)```sh\n(.*?)^\2```", re.M | re.S)
# These hand their options on to the Python of the parties.
FORWARDS = ("serve", "query", "help-party")
PARTIES = sorted((ROOT / "passes/src/back/spu/parties").glob("*.py"))
# A block may take so long, which is far more than any takes on a quiet machine.
SECONDS = 900


def blocks(text):
    """What to do with each shell block, the line it stands on, and its commands."""
    page = re.search(DO.format(" of this page"), text)
    for found in BLOCK.finditer(text):
        do, indent, body = found.groups()
        body = "\n".join(line.removeprefix(indent) for line in body.splitlines())
        yield do or (page[1] if page else "run"), text[: found.start(3)].count("\n") + 1, body


class Help:
    """What relinc's own help knows."""

    def __init__(self, relinc):
        self.relinc, self.known = relinc, {}

    def of(self, command):
        if command not in self.known:
            done = subprocess.run([self.relinc, command, "--help"], capture_output=True, text=True, check=False)
            found = set(re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", done.stdout)) if done.returncode == 0 else None
            if found is not None and command in FORWARDS:
                found |= set(re.findall(r'"(--?[a-z][\w-]*)"', "".join(p.read_text(encoding="utf-8") for p in PARTIES)))
            self.known[command] = found
        return self.known[command]

    def objections(self, words):
        """What is wrong with a command line of relinc."""
        at = next((i for i, w in enumerate(words) if not w.startswith("-")), None)
        if at is None:
            return []
        known = self.of(words[at])
        if known is None:
            return [f"relinc has no command '{words[at]}'"]
        given = {w.split("=")[0] for w in words[:at] + words[at + 1 :] if re.match(r"--?[a-z]", w)}
        return [f"relinc {words[at]} has no option {w}" for w in sorted(given - known)]


def lines(body):
    """The commands of a block as words, without comments, variables before them and what follows a pipe."""
    for line in re.sub(r"\\\n\s*", " ", body).splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        while words and re.match(r"[A-Z_]+=", words[0]):
            words = words[1:]
        if words:
            yield words


def cargo_objections(words):
    """What a call of cargo names and the repository does not have."""
    said = []
    tests = {p.stem for folder in ("tests", "passes/tests", "runtime/tests", "runtime/dealer/tests") for p in (ROOT / folder).glob("*.rs")}
    tests |= {p.parent.name for folder in ("tests", "passes/tests", "runtime/tests") for p in (ROOT / folder).glob("*/main.rs")}
    manifests = [p.read_text() for p in (ROOT / "Cargo.toml", *ROOT.glob("*/Cargo.toml"), *ROOT.glob("runtime/*/Cargo.toml"))]
    packages = set(re.findall(r'^name = "([\w-]+)"', "\n".join(manifests), re.M))
    features = set(re.findall(r"^([\w-]+) = \[", "\n".join(manifests), re.M))
    for option, value in zip(words, words[1:]):
        if option == "--test" and value not in tests:
            said.append(f"there is no test '{value}'")
        if option in ("-p", "--package") and value not in packages:
            said.append(f"there is no package '{value}'")
        if option in ("-F", "--features"):
            said += [f"there is no feature '{f}'" for f in value.split(",") if f.split("/")[-1] not in features]
    return said


def pip_objections(words):
    """Pins that are not those of the tests."""
    pinned = (ROOT / "tests/mpc/requirements.txt").read_text()
    wanted = [w for w in words if re.match(r"spu==", w) and "dev" not in w]
    return [f"the tests have another version than {w}" for w in wanted if w not in pinned]


def objections(body, help_, page):
    """What can be said against a block without running it."""
    done = subprocess.run(["bash", "-n"], input=body, capture_output=True, text=True, check=False)
    said = [done.stderr.strip()] if done.returncode else []
    for words in lines(body):
        name = Path(words[0]).name
        if "…" in " ".join(words):
            said.append(f"'{' '.join(words)[:60]}' is no command as it stands")
        if name == "relinc":
            said += help_.objections(words[1:])
        elif words[:2] == ["cargo", "run"] and "--" in words:
            said += help_.objections(words[words.index("--") + 1 :])
        elif name == "cargo":
            said += cargo_objections(words)
        elif name == "pip":
            said += pip_objections(words)
        elif name.startswith("python") and len(words) > 1 and words[1].endswith(".py"):
            there = any((folder / words[1]).exists() for folder in (ROOT, page.parent))
            if not there and not re.match(r"(out|public|server|client|helper)/", words[1]):
                said.append(f"there is no {words[1]}")
    return said


def has(package):
    python = os.environ.get("RELINC_PYTHON")
    return bool(python) and subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("relinc", type=Path)
    parser.add_argument("--only", nargs="+", default=[], help="pages whose path holds one of these")
    options = parser.parse_args()
    relinc = options.relinc.resolve()
    if not os.access(relinc, os.X_OK):
        parser.error(f"{relinc} is no program")
    pages = [p for pattern in PAGES for p in sorted(ROOT.glob(pattern))]
    pages = [p for p in pages if not options.only or any(o in str(p) for o in options.only)]
    help_, failed, ran, checked = Help(str(relinc)), 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="relinc-docs-") as folder:
        made = world.make(Path(folder) / "world", relinc, ROOT)
        for number, page in enumerate(pages):
            text, name = page.read_text(encoding="utf-8"), page.relative_to(ROOT)
            there = Path(folder) / f"page{number}"
            for do, line, body in blocks(text):
                if not there.exists():
                    shutil.copytree(made, there, symlinks=True)
                    world.pipeline(there, text)
                said, began = objections(body, help_, page), time.monotonic()
                run = do in ("run", "may answer no") or (do.startswith("needs ") and has(do.split()[1]))
                if run and not said:
                    log = there / "log.txt"
                    with open(log, "w+") as out:
                        try:
                            done = subprocess.run(["bash", "-euo", "pipefail", "-c", body], cwd=there, env=world.environment(there), stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=SECONDS, check=False)
                            code = done.returncode
                        except subprocess.TimeoutExpired:
                            code = f"none in {SECONDS} s"
                    if code != 0 and not (code == 1 and do == "may answer no"):
                        tail = log.read_text(errors="replace").strip().splitlines()[-15:]
                        said = [f"exit code {code}", *tail]
                ran, checked, failed = ran + run, checked + (not run), failed + bool(said)
                first = next(iter(body.splitlines()), "")
                print(f"{'FAIL' if said else 'ran  ' if run else 'check'} {time.monotonic() - began:6.1f} s  {name}:{line}  {first[:80]}", flush=True)
                for words in said:
                    print(f"        {words}", flush=True)
            shutil.rmtree(there, ignore_errors=True)
    print(f"{ran} blocks run, {checked} checked, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
