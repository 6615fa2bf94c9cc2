"""Looks for weights and images where they must not be: in the memory and the files of every process of every party, during a session.

usage: find_secrets.py RELINC [--protocol semi2k|aby3|cheetah ...] [--model MODEL.onnx] [--queries 3]

The parties run as separate processes with a folder each, with TLS; SEMI2K with a dealer. After some queries all are stopped, and what they
hold is searched for runs of four weights or pixels in a row as f32, 16 bytes, and of three as elements of the ring, side by side or every
other one, as pairs of shares lie (two of those, small whole numbers, are found by chance in any memory), at any alignment, in the order of the file and as the matrices that SPU multiplies. Runs that say nothing (zeros,
one value over and over) are not looked for. The same search must find weights at the server and the image at the client, and a copy that is
planted in the client's memory and in its folder. Needs Linux and the right to read other processes (root).

Prints a line a party and exits 1 when something is where it must not be, or what is there is not found.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import common
import numpy as np

FRACTION = 18
BITS = 24  # of the filter
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
ENOUGH = 1000  # hits, after which it is known to be there
PIECE = 1 << 21  # bytes that are searched at a time
REGION = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)")
NO_DATA = ("/usr/", "/lib/", sys.prefix, str(Path(sys.base_prefix)), "[v")


class Known:
    """Runs of 16 bytes as f32, and of 24 as elements of the ring, that are looked for."""

    def __init__(self, arrays):
        """`arrays`: f32, in every order in which they may lie somewhere."""
        runs = set()
        for array in arrays:
            flat = np.ascontiguousarray(array, dtype=np.float32).reshape(-1)
            runs |= self.windows(flat, 4, lambda w: (np.abs(w).min(1) > 0) & (w.max(1) > w.min(1)))
            scaled = flat.astype(np.float64) * 2.0**FRACTION
            for ring in (np.trunc(scaled), np.round(scaled)):
                runs |= self.windows(ring.astype(np.int64), 3, lambda w: (np.abs(w).min(1) > 255) & (w.max(1) > w.min(1)))
        self.runs = runs
        self.filter = np.zeros(1 << BITS, np.bool_)
        self.filter[self.hash(np.frombuffer(b"".join(run[:8] for run in runs), np.uint64))] = True

    @staticmethod
    def windows(values, length, says_something):
        """All runs of so many values in a row that say something."""
        if len(values) < length:
            return set()
        windows = np.lib.stride_tricks.sliding_window_view(values, length)
        return {w.tobytes() for w in windows[says_something(windows)]}

    @staticmethod
    def hash(words):
        with np.errstate(over="ignore"):
            return (words * MULTIPLIER) >> np.uint64(64 - BITS)

    def find(self, data):
        """Where in `data` a run begins."""
        found = []
        for shift in range(8):
            words = np.frombuffer(data, np.uint64, (len(data) - shift) // 8, shift) if len(data) - shift >= 8 else []
            for i in np.flatnonzero(self.filter[self.hash(words)]) if len(words) else ():
                at = shift + 8 * int(i)
                first = data[at:at + 8]
                if len(found) == ENOUGH:
                    return found
                rest = (data[at + 8:at + 16], data[at + 8:at + 24], data[at + 16:at + 24] + data[at + 32:at + 40])
                if any(first + more in self.runs for more in rest):
                    found.append(at)
        return found


def memory(pid):
    """Pieces of what a process can read and write: where, and the bytes."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            begin, end, rights, path = REGION.match(line).groups()
            if "r" not in rights or (path.startswith(NO_DATA) and "w" not in rights):
                continue
            at, end = int(begin, 16), int(end, 16)
            while at < end:
                try:
                    mem.seek(at)
                    data = mem.read(min(PIECE, end - at))
                except (OSError, ValueError, OverflowError):
                    break
                if not data:
                    break
                yield at, data
                at += len(data) - (40 if at + len(data) < end else 0)


def any_set(data):
    """Is anything there but zeros?"""
    whole = len(data) // 8 * 8
    return bool(np.frombuffer(data, np.uint64, whole // 8).any() or any(data[whole:]))


def plant(pid, run):
    """Writes a run into a process's heap; it is killed later."""
    with open(f"/proc/{pid}/maps") as maps:
        heap = next(line for line in maps if "[heap]" in line)
    end = int(REGION.match(heap)[2], 16)
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as mem:
        mem.seek(end - 1003)
        mem.write(run)


def search(pids, folders, known):
    """How often something known stands in the memory of processes and in the files of folders, and the bytes looked through."""
    in_memory = in_files = looked = 0
    for pid in pids:
        for _, data in memory(pid):
            looked += len(data)
            if in_memory < ENOUGH and any_set(data):
                in_memory += len(known.find(data))
    for folder in folders:
        for file in ([folder] if folder.is_file() else folder.rglob("*")):
            if file.is_file():
                data = file.read_bytes()
                in_files += len(known.find(data))
                looked += len(data)
    return in_memory, in_files, looked


def orders(weights):
    """Arrays in the orders in which a runtime may hold them."""
    for array in weights:
        yield array
        if array.ndim == 4:
            yield array.transpose(2, 3, 0, 1)  # [kH*kW*O, C]
            yield array.transpose(2, 3, 1, 0)
        elif array.ndim == 2:
            yield array.T


def look(relinc, spu, protocol, work, queries):
    """All parties of a protocol; true where everything is as it should be."""
    tls = common.certificates(relinc, work / f"tls-{protocol}")
    with np.load(spu / "server" / "weights.npz", allow_pickle=False) as stored:
        weights = [stored[name] for name in stored if stored[name].dtype.kind == "f"]
    images = np.load(spu / "sample_input.npy")
    secret = {"weights": Known(orders(weights)), "image": Known([*images, *(image.transpose(1, 2, 0) for image in images)])}
    right = True

    def line(role, what, must, counts):
        nonlocal right
        in_memory, in_files, looked = counts
        good = (in_memory + in_files > 0) == must
        right &= good
        print(f"{'ok  ' if good else 'FAIL'} {protocol} {role}: {what} {in_memory} times in memory, {in_files} in files, of {looked >> 20} MiB", flush=True)

    with common.Trial(relinc, spu, protocol, work, tls, timeout=600) as trial:
        trial.around = lambda role, command: ["env", f"TMPDIR={temporary(work, protocol, role)}", *command]
        services = trial.services()
        trial.wait_until()
        asked = work / f"{protocol}-asked.npy"  # belongs to nobody: what the client was given
        np.save(asked, np.tile(images, (4_000 // len(images), 1, 1, 1)) if images.size < 10_000 else np.tile(images, (20, 1, 1, 1)))
        client = subprocess.Popen(trial.around("client", trial.command([asked])), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + 900
        while not (state := trial.state()) or state[0]["queries"] < queries:
            if client.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"no query was answered: {client.communicate()[1]}\n{trial.log()}")
            time.sleep(0.2)
        processes = {role: common.family(child.pid) for role, child in services.items()} | {"client": common.family(client.pid)}
        for pids in processes.values():
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
        try:
            for role, pids in processes.items():
                files = [temporary(work, protocol, role), trial.tls / role]
                files += [trial.folders[role]] if role in trial.folders else []
                files += [log for log in [work / f"{protocol}-{role}.log"] if log.is_file()]
                line(role, "weights", role == "server", search(pids, files, secret["weights"]))
                line(role, "the image", role == "client", search(pids, files, secret["image"]))
            run = min(run for run in secret["weights"].runs if len(run) == 16)
            plant(processes["client"][0], run)
            (trial.folders["client"] / "planted").write_bytes(b"x" * 5 + run)
            counts = search(processes["client"][:1], [trial.folders["client"]], secret["weights"])
            good = counts[0] == counts[1] == 1
            right &= good
            print(f"{'ok  ' if good else 'FAIL'} {protocol} planted weights: {counts[0]} in memory, {counts[1]} in files", flush=True)
        finally:
            for role, pids in processes.items():
                for pid in pids:
                    os.kill(pid, signal.SIGKILL if role == "client" else signal.SIGCONT)
        client.communicate()
    return right


def temporary(work, protocol, role):
    """A party's folder for temporary files."""
    folder = work / f"{protocol}-{role}-tmp"
    folder.mkdir(exist_ok=True)
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("relinc")
    parser.add_argument("--protocol", action="append", choices=("semi2k", "aby3", "cheetah"))
    parser.add_argument("--model", type=Path, help="instead of a small network")
    parser.add_argument("--data", help="its images, as `relinc compile --data` takes them")
    parser.add_argument("--queries", type=int, default=3)
    options = parser.parse_args()
    common.environment()
    relinc = str(Path(options.relinc).resolve())
    protocols = options.protocol or ["semi2k", "aby3", "cheetah"]
    with tempfile.TemporaryDirectory(prefix="relinc-secrets-") as work:
        work = Path(work)
        model = options.model or common.small_network(work / "small.onnx")
        more = ["--data", options.data, "--limit", "4", "--budget", "100%", "--fixed-point", "off"] if options.data else []
        spu = common.compile_network(relinc, model, work / "out", protocols, *more)
        right = [look(relinc, spu, protocol, work, options.queries) for protocol in protocols]
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
