"""Counts the sequential one-way delays of SPU's operations: two processes, their link through proxy.py at two delays.

usage: rounds.py [--protocol semi2k|cheetah] [--weights W] [--only NAME]… [--calls 3] [--delay-ms 100] [--mbit B] [--set-up]

Each operation is a program of its own. After one call, which may pay a set-up, it is called --calls times in a row, so that
what one call leaves under way counts for the next. rounds is what a call takes longer per second of one-way delay,
(seconds at --delay-ms − seconds at 0) / delay: other jobs on the machine disturb it little where the delay is long. With --mbit
the same calls run once more at --delay-ms under that cap; cap_mbyte is what the cap's extra seconds carry at that rate.
--set-up runs every program in a fresh runtime for each link instead, and prints what its first call takes more than the later
ones.

Prints one JSON document a line. Exits 1 when a run fails or does not end in time.
"""

import argparse
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time

import latency
import micro
import numpy as np

runner, tensor = micro.runner, micro.tensor

ELEMENTS = [1, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536]
# Input channels, output channels, side of the kernel, stride, side of the input.
CONVOLUTIONS = [
    (3, 16, 3, 1, 32), (16, 16, 3, 1, 32), (16, 32, 3, 2, 32), (32, 32, 3, 1, 16), (32, 64, 3, 2, 16), (64, 64, 3, 1, 8),
    (16, 32, 1, 2, 32), (8, 24, 5, 1, 8), (64, 128, 3, 1, 16),
]
LINEAR = [(1, 64, 10), (4, 100, 30), (1, 512, 100), (1, 2048, 1000)]  # rows, inner side, columns


def elementwise(op, n, constant=None, mine=False):
    """An operation of n elements with a constant, or with a second argument that is a weight."""
    body, t = micro.Body(), tensor([n])
    other = body.put(f"stablehlo.constant dense<{constant}> : {t}") if mine is False else "%b"
    out = body.put(f"stablehlo.{op} %a, {other} : {t}")
    shapes = [("%a", [n])] + ([("%b", [n])] if mine else [])
    return body.module(shapes, out, [n]), [s for _, s in shapes]


def square(n):
    """A product of two secrets."""
    body, t = micro.Body(), tensor([n])
    return body.module([("%a", [n])], body.put(f"stablehlo.multiply %a, %a : {t}"), [n]), [[n]]


def convolution(cin, cout, k, stride, side):
    pad, o = k // 2, (side + 2 * (k // 2) - k) // stride + 1
    x, w, y = [1, cin, side, side], [cout, cin, k, k], [1, cout, o, o]
    body = micro.Body()
    out = body.put(
        "stablehlo.convolution(%a, %b) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {stride = "
        f"[{stride}, {stride}], pad = [[{pad}, {pad}], [{pad}, {pad}]], rhs_dilate = [1, 1]}} {{batch_group_count = 1 : i64, "
        f"feature_group_count = 1 : i64}} : ({tensor(x)}, {tensor(w)}) -> {tensor(y)}"
    )
    return body.module([("%a", x), ("%b", w)], out, y), [x, w]


def linear(rows, inner, columns):
    x, w, y = [rows, inner], [inner, columns], [rows, columns]
    body = micro.Body()
    out = body.put(
        f"stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : ({tensor(x)}, {tensor(w)}) -> {tensor(y)}"
    )
    return body.module([("%a", x), ("%b", w)], out, y), [x, w]


def programs():
    """(name, text, shapes of the arguments); every argument but the first is a weight."""
    found = [(f"relu of {n}", *elementwise("maximum", n, "0.0")) for n in ELEMENTS]
    found += [(f"mul_const of {n}", *elementwise("multiply", n, "0.3")) for n in ELEMENTS]
    found += [(f"mul_weight of {n}", *elementwise("multiply", n, mine=True)) for n in ELEMENTS]
    found += [(f"square of {n}", *square(n)) for n in ELEMENTS]
    found += [(f"conv {k}x{k} s{s} {i}->{o} on {side}", *convolution(i, o, k, s, side)) for i, o, k, s, side in CONVOLUTIONS]
    found += [(f"linear [{r},{i}]x[{i},{c}]", *linear(r, i, c)) for r, i, c in LINEAR]
    return found


def called(runtime, lib, code, names, times):
    for _ in range(times):
        runtime.run(lib.Executable("call", names, ["out"], code))


def party(rank, job, log, dealt, addresses, start, answers):
    """The body of a process: every program over every link; answers seconds of the first call and of a later one."""

    def work():
        api, lib = runner.import_spu()
        config = runner.runtime_config(lib, job, rank)
        config.enable_pphlo_profile = config.enable_hal_profile = False
        links = [latency.connect(lib, rank, at, job["timeout"]) for at in addresses]
        runtimes = [api.Runtime(link, config) for link in links]
        rounds = []
        for code, shares in dealt:
            names, row = [f"a{i}" for i in range(len(shares))], []
            for i, link in enumerate(links):
                if job["set_up"]:
                    runtimes[i] = api.Runtime(link, config)
                for name, share in zip(names, shares):
                    runtimes[i].set_var(name, share)
                times = []
                for calls in (1, job["calls"]):
                    start.wait()
                    began = time.perf_counter()
                    called(runtimes[i], lib, code, names, calls)
                    start.wait()  # both are done
                    times.append((time.perf_counter() - began) / calls)
                row.append(times)
            rounds.append(row)
        return rounds

    latency.answer(rank, job, log, answers, work)


def run(job, chosen, networks):
    """Seconds on rank 0: [program][network](first call, later call)."""
    api, lib = runner.import_spu()
    io = api.Io(2, runner.runtime_config(lib, job))
    secret, public = lib.Visibility.VIS_SECRET, lib.Visibility.VIS_PUBLIC
    rng = np.random.default_rng(0)
    owner = runner.SERVER_RANK if job["weights"] == "server" else -1
    dealt = [[], []]
    for _, text, shapes in chosen:
        vis = [secret] + [public if job["weights"] == "public" else secret] * (len(shapes) - 1)
        code = runner.compile_program(api, lib, text, vis)
        arrays = [rng.uniform(-1, 1, s).astype(np.float32) for s in shapes]
        shares = [io.make_shares(a, v, owner if i and v == secret else -1) for i, (a, v) in enumerate(zip(arrays, vis))]
        for rank in (0, 1):
            dealt[rank].append((code, [s[rank] for s in shares]))
    seen = latency.wire_up(networks)
    os.environ.update(runner.environment(2))
    spawn = multiprocessing.get_context("spawn")
    start, answers = spawn.Barrier(2, timeout=job["timeout"]), spawn.Queue()
    with tempfile.TemporaryDirectory(prefix="relinc-rounds-") as logs:
        processes = [
            spawn.Process(
                target=party,
                args=(rank, job, os.path.join(logs, f"{rank}.log"), dealt[rank], seen[rank], start, answers),
                daemon=True,
            )
            for rank in (0, 1)
        ]
        try:
            for process in processes:
                process.start()
            return latency.collect(processes, answers, job["timeout"])[0]
        finally:
            for process in processes:
                if process.pid is not None:
                    process.kill()
                    process.join()


def entry(name, job, times, delay, mbit):
    """What is printed of one program."""
    which = (lambda t: t[0] - t[1]) if job["set_up"] else (lambda t: t[1])
    near, far = which(times[0]), which(times[1])
    out = {
        "protocol": job["protocol"], "weights": job["weights"], "program": name, "set_up": job["set_up"],
        "seconds": near, "rounds": round((far - near) / delay, 2),
    }
    if mbit:
        capped = which(times[2])
        out |= {"mbit": mbit, "cap_mbyte": round((capped - far) * mbit / 8, 3)}
    return out


def main():
    parser = argparse.ArgumentParser(description="Sequential one-way delays of SPU's operations.")
    parser.add_argument("--protocol", choices=("semi2k", "cheetah"), default="cheetah")
    parser.add_argument("--weights", choices=runner.WEIGHTS, help="default: server under cheetah, secret under semi2k")
    parser.add_argument("--only", action="append", help="programs whose name begins so; may be repeated")
    parser.add_argument("--calls", type=int, default=3, help="later calls of each program (default 3)")
    parser.add_argument("--delay-ms", type=float, default=100.0, help="one way, in milliseconds (default 100)")
    parser.add_argument("--mbit", type=float, help="also under this cap")
    parser.add_argument("--set-up", action="store_true", help="what the first call of a fresh runtime takes more")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for all of it (default 600)")
    o = parser.parse_args()
    if o.calls < 1 or o.delay_ms <= 0 or o.timeout <= 0 or (o.mbit is not None and o.mbit <= 0):
        parser.error("--calls, --delay-ms, --mbit and --timeout must be positive")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the parties are ended too
    chosen = [p for p in programs() if not o.only or p[0].startswith(tuple(o.only))]
    job = {
        "protocol": o.protocol, "field": 64, "fraction": 0, "calls": o.calls, "set_up": o.set_up, "timeout": o.timeout,
        "weights": o.weights or ("server" if o.protocol == "cheetah" else "secret"),
    }
    delay = o.delay_ms / 1000
    networks = [(0.0, None), (delay, None)] + ([(delay, o.mbit * 1e6)] if o.mbit else [])
    try:
        rows = run(job, chosen, networks)
    except (RuntimeError, runner.RunError, runner.UsageError) as err:
        print(f"rounds.py: {err}", file=sys.stderr)
        return 1
    for (name, *_), times in zip(chosen, rows):
        print(json.dumps(entry(name, job, times, delay, o.mbit)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
