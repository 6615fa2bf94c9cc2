#!/usr/bin/env python3
"""relinc against PyTorch, onnxruntime and onnxsim on this machine: the same work, taking turns, warm, medians.

    python benches/pytorch/paired.py [--relinc target/release/relinc] [--only train-step …] [--threads 1 2] [--repeat 7]
        [--precision best|f32] [--burst 1] [--compile] [--json FILE]

All programs of a row stay alive and warm, and compute one after the other: A, B, C, A, B, C, …, so that what else runs on the
machine meets them alike; each so many times in a row as --burst says. Prints a Markdown table: medians of wall-clock and CPU seconds, peak memory, and how many times
relinc's speed is that of the best rival. Steps are taken in f32 and bf16 on both sides, and the faster counts (`--precision f32`: in
f32 alone); PyTorch's with images in its usual order and channels-last, with `--compile` also by torch.compile. A figure of a loaded machine is the ratio, and CPU time is the steadier of the two.

Needs torch, numpy, onnx, onnxruntime and onnxsim.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TICK = os.sysconf("SC_CLK_TCK")
# Work, network, batch.
ROWS = [
    ("train-step", "resnet20", 128),
    ("train-step", "resnet20", 32),
    ("train-step", "resnet18", 32),
    ("train-step", "resnet18", 128),
    ("robust-step", "resnet20", 128),
    ("eval", "resnet20", 128),
    ("eval", "resnet18", 128),
    ("compile", "wrn28-10", 0),
]
# With --device.
CARD_ROWS = [
    ("train-step", "resnet20", 128),
    ("train-step", "resnet18", 128),
    ("robust-step", "resnet18", 128),
]


class Worker:
    """A program that computes one repetition a line."""

    def __init__(self, name, command, env=None):
        self.name, self.wall, self.cpu = name, [], []
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
        )
        self.expect("ready")

    def expect(self, word=None):
        line = self.process.stdout.readline().strip()
        if not line or (word and line != word):
            raise SystemExit(f"{self.name}: said '{line}' and ended")
        return line

    def cpu_seconds(self):
        """Of the process and of its children that ended."""
        with open(f"/proc/{self.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return sum(int(v) for v in fields[11:15]) / TICK

    def turn(self, repetitions):
        before, wall = self.cpu_seconds(), 0.0
        for _ in range(repetitions):
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            wall += float(self.expect())
        self.wall.append(wall / repetitions)
        self.cpu.append((self.cpu_seconds() - before) / repetitions)

    def end(self):
        """Peak memory in bytes; the program's own word for it where it has one."""
        with open(f"/proc/{self.process.pid}/status") as f:
            peak = next(int(l.split()[1]) * 1024 for l in f if l.startswith("VmHWM:"))
        said, _ = self.process.communicate()
        try:
            told = json.loads(said)[0]["peak_bytes"]
        except (ValueError, LookupError, TypeError):
            told = None
        return told or peak


def architecture(relinc, name, folder):
    """The network as an ONNX file."""
    path = os.path.join(folder, f"{name}.onnx")
    if not os.path.exists(path):
        if name.startswith("wrn"):
            depth, width = name[3:].split("-")
            what = ["--kind", "wide-resnet", "--depth", depth, "--width", width]
        else:
            what = ["--depth", name[len("resnet") :]]
        subprocess.run([relinc, "architecture", *what, "-o", path], check=True, stdout=subprocess.DEVNULL)
    return path


def rivals(args, work, model, batch, threads):
    """Names and options of the other programs."""
    paced = [sys.executable, os.path.join(HERE, "paced.py"), work, "--model", model, "--threads", str(threads)]
    paced += ["--batch", str(batch)]
    if work == "eval":
        return [("onnxruntime", paced)]
    if work == "compile":
        return [("onnxsim", paced)]
    ways = [("PyTorch", []), ("PyTorch channels-last", ["--channels-last"])]
    if args.precision == "best":
        ways += [(f"{name} bf16", [*more, "--half", "bf16"]) for name, more in ways]
    if args.compile:
        ways += [(f"{name}, compiled", [*more, "--compile"]) for name, more in ways if "channels-last" in name]
    if args.device:
        paced += ["--device", "cuda"]
        tf32, half = ["--tf32"], ["--channels-last", "--half", "bf16"]
        ways = [("PyTorch", []), ("PyTorch TF32", tf32), ("PyTorch channels-last bf16", half)]
    if args.relu:
        ways += [(f"{name}, plain ReLUs", [*more, "--relu"]) for name, more in ways]
    return [(name, paced + more) for name, more in ways]


def measure(args, work, network, batch, threads, folder):
    """The row of one piece of work."""
    model = architecture(args.relinc, network, folder)
    own = [args.relinc, "bench", work, "--model", network, "--paced", "--json"]
    own += ["--device", args.device] if args.device else []
    own += ["--target", "onnx"] if work == "compile" else ["--batch", str(batch), "--threads", str(threads)]
    limits = {"RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    kinds = ["f32"]
    if work.endswith("step") and not args.device and args.precision == "best":
        kinds.append("bf16")
    chosen = lambda kind: [] if kind == "f32" else ["--precision", kind]
    workers = [Worker("relinc" if kind == "f32" else f"relinc {kind}", own + chosen(kind), limits) for kind in kinds]
    workers += [Worker(name, command, limits) for name, command in rivals(args, work, model, batch, threads)]
    for _ in range(args.repeat):
        for w in workers:
            w.turn(args.burst)
            # Threads that wait for work on a core give it up meanwhile.
            time.sleep(0.05)
    row = {"work": work, "network": network, "batch": batch, "threads": threads, "programs": []}
    if work == "compile":
        row["model_bytes"] = os.path.getsize(model)
    for w in workers:
        wall, cpu = statistics.median(w.wall), statistics.median(w.cpu)
        row["programs"].append({"name": w.name, "seconds": wall, "cpu_seconds": cpu, "peak_bytes": w.end()})
    row["load_average"] = round(os.getloadavg()[0], 2)
    fastest = lambda programs: min(programs, key=lambda p: p["seconds"])
    ours, others = fastest(row["programs"][: len(kinds)]), row["programs"][len(kinds) :]
    best = fastest([p for p in others if "plain" not in p["name"]])
    row["ours"], row["best"] = ours["name"], best["name"]
    row["speed"] = best["seconds"] / ours["seconds"]
    row["cpu_speed"] = best["cpu_seconds"] / max(ours["cpu_seconds"], 1 / TICK)
    row["memory"] = ours["peak_bytes"] / best["peak_bytes"]
    return row


def markdown(rows):
    """The table."""
    lines = [
        "| work | threads | program | seconds | CPU seconds | images/s | peak MB | relinc's speed | by CPU time | its memory |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        what = f"{r['work']} {r['network']}" + (f", batch {r['batch']}" if r["batch"] else "")
        for i, p in enumerate(r["programs"]):
            rate = f"{r['batch'] / p['seconds']:.0f}" if r["batch"] else ""
            last = f"{r['ours']}: {r['speed']:.2f} × | {r['cpu_speed']:.2f} × | {r['memory']:.2f} ×" if i == 0 else "| | "
            lines.append(
                f"| {what if i == 0 else ''} | {r['threads'] if i == 0 else ''} | {p['name']} | {p['seconds']:.3f} | "
                f"{p['cpu_seconds']:.2f} | {rate} | {p['peak_bytes'] / 1e6:.0f} | {last} |"
            )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--relinc", default=os.path.join(HERE, "../../target/release/relinc"))
    parser.add_argument("--only", nargs="+", default=[], help="train-step, robust-step, eval, compile, or a network")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--burst", type=int, default=1, help="repetitions a turn, whose mean counts: training takes step after step")
    parser.add_argument("--precision", choices=["best", "f32"], default="best", help="of steps on the CPU, on both sides")
    parser.add_argument("--compile", action="store_true", help="PyTorch by torch.compile too")
    parser.add_argument("--relu", action="store_true", help="PyTorch with plain ReLUs too, which are cheaper than masked ones")
    parser.add_argument("--device", metavar="gpu:N", help="steps on this card; PyTorch on its first")
    parser.add_argument("--batch", type=int, help="instead of the usual ones")
    parser.add_argument("--json", metavar="FILE", help="write the rows there")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for work, network, batch in CARD_ROWS if args.device else ROWS:
            kinds = {o for o in args.only if o in {r[0] for r in ROWS}}
            names = set(args.only) - kinds
            if (kinds and work not in kinds) or (names and not names & {network, f"{network}:{batch}"}):
                continue
            batch = args.batch or batch
            for threads in [args.threads[-1]] if work == "compile" else args.threads:
                rows.append(measure(args, work, network, batch, threads, folder))
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    print(markdown(rows))
    if args.json:
        with open(args.json, "w") as f:
            json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
