"""Looks for weights and images where they must not be: in the memory and the files of every process of every party, during a session.

usage: find_secrets.py RELINC [--protocol semi2k|aby3|cheetah ...] [--model MODEL.onnx] [--queries 3]

The parties run as separate processes with a folder each, with TLS; SEMI2K with a dealer. After some queries all are stopped, and what they
hold is searched for runs of 16 bytes of weights and pixels, as f32 and as elements of the ring, at any alignment, in the order of the file and
as the matrices that SPU multiplies (known.py). The search must find weights at the server and the image at the client, and copies that are
planted in the client's memory and in its folder. In the same memory no two numbers may be shares of a weight or a pixel (shares.py), but
those that are planted. Needs Linux and the right to read other processes (root).

Where a secret must not be, there is no run of it as f32, none of three elements of the ring, and none of two that tell more than 36 bits. Two
small whole numbers tell fewer, and any memory has such pairs; a tensor that somebody holds has all its elements in a row, so these stand by
themselves. They are counted, and beside them stands a control: how many different pairs of the same elements in another order, which nobody
ever held, are found in the same memory.

Prints lines for each party, with the most telling of those pairs and where they lie, and exits 1 when something is where it must not be, or when
what is there is not found.
"""

import argparse
import collections
import contextlib
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
import shares
from known import CONTROLS, GAPS, Known

PIECE = 1 << 21  # bytes that are searched at a time
LONGEST = 40  # bytes from the first to the last of a run
PATIENCE_S = 3600  # for the queries, on a machine that has other work
REGION = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ \S+\s*(.*)")
NO_DATA = ("/usr/", "/lib/", sys.prefix, str(Path(sys.base_prefix)), "[v")
SHOWN = 8  # runs that are printed of what was found at a party
TELLING = 36  # bits of two elements of the ring from which on no chance explains them

Hit = collections.namedtuple("Hit", "kind where number program")


def memory(pid):
    """Pieces of what a process can read and write: where they lie, in words and as a place in a file, their address, and the bytes."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            begin, end, rights, offset, path = REGION.match(line).groups()
            if "r" not in rights or (path.startswith(NO_DATA) and "w" not in rights):
                continue
            at, end, first = int(begin, 16), int(end, 16), int(begin, 16)
            while at < end:
                try:
                    mem.seek(at)
                    data = mem.read(min(PIECE, end - at))
                except (OSError, ValueError, OverflowError):
                    break
                if not data:
                    break
                yield path or "memory without a name", int(offset, 16) + at - first, at, data
                at += len(data) - (LONGEST if at + len(data) < end else 0)


def own(pid):
    """The pieces of a process's memory that no file is behind, each from a multiple of eight bytes on."""
    return (data for path, _, _, data in memory(pid) if not path.startswith("/") and any_set(data))


def any_set(data):
    """Is anything there but zeros?"""
    whole = len(data) // 8 * 8
    return bool(np.frombuffer(data, np.uint64, whole // 8).any() or any(data[whole:]))


def in_file(path, offset, data):
    """Does a program's file hold these bytes at this place? It was there before the secrets were."""
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(len(data)) == data
    except OSError:
        return False


def plant(pid, runs, from_end=1003, apart=101):
    """Writes runs into a process's heap, so many bytes from its end and from one to the next; the process is killed later."""
    with open(f"/proc/{pid}/maps") as maps:
        heap = next(line for line in maps if "[heap]" in line)
    at = int(REGION.match(heap)[2], 16) - from_end
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as mem:
        for run in runs:
            mem.seek(at)
            mem.write(run)
            at += apart


class Found:
    """Where runs stand in the memory of processes and in the files of folders."""

    def __init__(self, pids, folders, known):
        self.known, self.looked, self.hits = known, 0, set()
        for pid in pids:
            for path, offset, address, data in memory(pid):
                self.looked += len(data)
                if not any_set(data):
                    continue
                for kind, at, number in known.find(data):
                    program = path.startswith("/") and in_file(path, offset + at, data[at:at + LONGEST])
                    self.hits.add(Hit(kind, f"{pid} {address + at:#x} {path}", number, program))
        for file in (f for folder in folders for f in ([folder] if folder.is_file() else folder.rglob("*")) if f.is_file()):
            data = file.read_bytes()
            self.looked += len(data)
            for kind, at, number in known.find(data):
                self.hits.add(Hit(kind, f"{file}+{at}", number, False))

    def of(self, *kind):
        """Hits of a kind outside of what programs' files hold."""
        return [hit for hit in self.hits if hit.kind == kind and not hit.program]

    def programs(self, secret):
        """How many are in programs' files."""
        return sum(1 for hit in self.hits if hit.kind == (secret, "ring") and hit.program)

    def different(self, *kind):
        """How many different runs were found."""
        return len({hit.number for hit in self.of(*kind)})

    def control(self, secret):
        """Different runs of the control, a mean, and the most of them."""
        counts = [self.different(secret, f"control{i}") for i in range(CONTROLS)]
        return float(np.mean(counts)), max(counts)

    def telling(self, secret):
        """Pairs that are no pairs of small whole numbers."""
        return [hit for hit in self.of(secret, "ring") if self.known.bits((secret, "ring"), hit.number) > TELLING]

    def chance(self, secret):
        """Can all hits be by chance? Then there are pairs of small whole numbers only, none beside a third element."""
        return not any((self.of(secret, "f32"), self.of(secret, "ring24"), self.telling(secret)))

    def line(self, secret):
        """What was found of a secret."""
        mean, most = self.control(secret)
        counts = ", ".join(f"{len(self.of(secret, kind)):,} {said}" for kind, said in
                           (("f32", "as f32"), ("ring24", "of 24 bytes in the ring"), ("ring", "of 16")))
        most_bits = max((self.known.bits((secret, "ring"), hit.number) for hit in self.of(secret, "ring")), default=0)
        return (f"{counts} ({self.different(secret, 'ring'):,} different, of at most {most_bits} bits; control {mean:.1f}, at most {most}; "
                f"in programs' files {self.programs(secret)}), of {self.looked >> 20} MiB")

    def traced(self, secret):
        """The runs that tell most: the numbers, the bits they have, where they lie how often."""
        kind = (secret, "ring")
        by_run = collections.Counter((hit.number, hit.where.split(" ", 2)[-1]) for hit in self.of(*kind))
        for (number, where), times in sorted(by_run.items(), key=lambda item: -self.known.bits(kind, item[0][0]))[:SHOWN]:
            yield f"{self.known.values(kind, number)}, {self.known.bits(kind, number)} bits, {times} times in {where}"


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
    known = Known({"weights": list(orders(weights)), "image": [*images, *(image.transpose(1, 2, 0) for image in images)]})
    for name in ("weights", "image"):
        say(True, f"{protocol}: {len(known.rows[name, 'ring']):,} runs of 16 bytes of {name} in the ring, of {known.entropy((name, 'ring')):.0f} bits in the mean")
    right = True

    def line(good, words):
        nonlocal right
        right &= good
        say(good, f"{protocol} {words}")

    with common.Trial(relinc, spu, protocol, work, tls, timeout=600) as trial:
        trial.around = lambda role, command: ["env", f"TMPDIR={temporary(work, protocol, role)}", *command]
        services = trial.services()
        trial.wait_until()
        asked = work / f"{protocol}-asked.npy"  # belongs to nobody: what the client was given
        np.save(asked, np.tile(images, (4_000 // len(images), 1, 1, 1)) if images.size < 10_000 else np.tile(images, (20, 1, 1, 1)))
        client = subprocess.Popen(trial.around("client", trial.command([asked])), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + PATIENCE_S
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
                found = Found(pids, files, known)
                for name, owner in (("weights", "server"), ("image", "client")):
                    good = bool(found.of(name, "f32") or found.of(name, "ring24")) if role == owner else found.chance(name)
                    line(good, f"{role}: {name} {found.line(name)}")
                    for words in found.traced(name) if role != owner else ():
                        print(f"     {words}", flush=True)
                for pid in pids:
                    held = shares.Words(own(pid))
                    for name, owner in (("weights", "server"), ("image", "client")):
                        made = [way for target in shares.targets(known, name) for way in held.made(target)]
                        counts = f"{len(made)} of {shares.TARGETS} runs of {name} put together from two of {held.rows.shape[1]:,} numbers"
                        line(role == owner or not made, f"{role} {pid}: {counts}")
            planted = [("weights", kind) for kind in GAPS]
            numbers = {kind: known.most_telling(kind) for kind in planted}
            runs = [known.rows[kind][number].tobytes() for kind, number in numbers.items()]
            run = shares.targets(known, "weights")[0]
            plant(processes["client"][0], runs)
            plant(processes["client"][0], [share.tobytes() for share in shares.split(run)], from_end=512, apart=104)
            file = trial.folders["client"] / "planted"
            file.write_bytes(b"x" * 5 + b"y".join(runs))
            found = Found(processes["client"][:1], [trial.folders["client"]], known)
            for kind, number in numbers.items():
                there = [hit.where for hit in found.of(*kind) if hit.number == number]
                both = {where.startswith(str(file)) for where in there} == {True, False}
                line(both and not found.chance("weights"), f"planted {kind[1]}: {there}")
            made = shares.Words(own(processes["client"][0])).made(run)
            line(made == ["sum"], f"planted shares: {made}")
        finally:
            for role, pids in processes.items():
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL if role == "client" else signal.SIGCONT)
        client.communicate()
    return right


def say(good, words):
    """A line."""
    print(f"{'ok  ' if good else 'FAIL'} {words}", flush=True)


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
