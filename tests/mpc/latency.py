"""Holds relinc's latency prediction against a run with real delay: two processes on SPU, their link through proxy.py.

usage: latency.py DIR [--protocol semi2k|cheetah] [--weights W] [--later] [--delay-ms 20] [--mbit 0,100] [--repeat 3]
                  [--timeout 600]

DIR is what `relinc compile` wrote with target spu. Each party is a process with a brpc link over TCP loopback: one link
direct, one through a proxy for every bandwidth (0: uncapped). The links take turns, image by image, each image in a runtime
of its own, so what a first image pays is in every figure, as in the report. With --later each link has one runtime, whose
first image is not counted, and the report's prediction is that of later queries. Timed on rank 0, from the moment both parties
hold all shares until its share of the output is there; --warm-up images (1) run before and are not counted.

Each party computes on its share of the processors, as under run.py, unless OMP_THREAD_LIMIT says otherwise.

Prints one JSON document. direct is computing and local overhead; communication is rounds × delay + max(sent, received) /
bandwidth, or their sum where the protocol's directions take turns, by the report (its own latency less computing where it has
that network); predicted is their sum. Figures are medians.
error_percent is (measured − predicted) / predicted; best_error_percent is the same for the fastest images, which other jobs
disturbed least. without_processor_s is how long rank 0's main thread was ready while other jobs had the processors: where
that is much, the figures say little. blocked_s is how long that thread neither ran nor was ready: communication, plus waiting
for a party that had no processor, less what was under way while this one had none. Exits 1 when a run fails or does not end
in time, 2 on bad input.
"""

import argparse
import importlib.util
import json
import multiprocessing
import os
import pathlib
import queue
import signal
import socket
import statistics
import sys
import tempfile
import time

import proxy

GRACE_S = 10
CONNECT_TRIES = 120  # a second apart: on a loaded machine one process starts long before the other


def usage(message):
    """Bad input: says so and ends."""
    print(f"latency.py: {message}", file=sys.stderr)
    sys.exit(2)


def load_runner(folder):
    """The emitted run.py as a module."""
    spec = importlib.util.spec_from_file_location("runner", folder / "run.py")
    runner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runner)
    return runner


# ---------------------------------------------------------------- one party, a process


def connect(lib, rank, addresses, limit):
    """A link of party `rank`, which sees itself and the other at `addresses`."""
    desc = lib.link.Desc()
    for party, at in enumerate(addresses):
        desc.add_party(f"party{party}", at)
    desc.connect_retry_times = CONNECT_TRIES
    desc.recv_timeout_ms = int(limit * 1000)
    desc.http_timeout_ms = int(limit * 1000)
    return lib.link.create_brpc(desc, rank)


def scheduled():
    """Seconds this thread has run, and has been ready without a processor; zeros where the kernel does not say."""
    try:
        ran, ready = pathlib.Path("/proc/thread-self/schedstat").read_text().split()[:2]
        return int(ran) / 1e9, int(ready) / 1e9
    except (OSError, ValueError):
        return 0.0, 0.0


def new_runtime(api, link, config, names, shares):
    """A runtime that holds the image and the weights."""
    runtime = api.Runtime(link, config)
    for name, share in zip(names, shares):
        runtime.set_var(name, share)
    return runtime


def one_image(runtime, executable, start):
    """Seconds of one image by the wall, of processors, ready without one, and blocked; and the share of its output."""
    start.wait()
    began = time.perf_counter(), time.process_time(), *scheduled()
    runtime.run(executable)
    out = runtime.get_var("out")
    ended = time.perf_counter(), time.process_time(), *scheduled()
    wall, cpu, ran, ready = (after - before for before, after in zip(began, ended))
    return wall, cpu, ready, wall - ran - ready, out


def answer(rank, job, log, answers, work):
    """The frame of a party's process: puts (rank, what work() returns, None) or (rank, None, why not) and ends it."""
    signal.alarm(int(job["timeout"]) + GRACE_S)  # should the parent die first
    sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(sink, 1), os.dup2(sink, 2)
    try:
        answers.put((rank, work(), None))
    except BaseException as err:  # SPU raises plain RuntimeErrors with a C++ stack in them
        answers.put((rank, None, f"party {rank}: {str(err).splitlines()[0] if str(err) else type(err).__name__}"))
    answers.close()
    answers.join_thread()
    os._exit(0)  # threads of a failed run may wait for ever


def party(rank, folder, log, job, program, shares, addresses, start, answers):
    """The body of a process: opens every link, then runs `repeat` rounds of one image a link."""

    def work():
        runner = load_runner(folder)
        api, lib = runner.import_spu()
        config = runner.runtime_config(lib, job, rank)
        config.enable_pphlo_profile = config.enable_hal_profile = False
        links = [connect(lib, rank, at, job["timeout"]) for at in addresses]
        names, code = program
        executable = lib.Executable("image", names, ["out"], code)
        fresh = lambda link: new_runtime(api, link, config, names, shares)
        if job["later"]:
            kept = [fresh(link) for link in links]
            for runtime in kept:
                one_image(runtime, executable, start)
            return [[one_image(runtime, executable, start) for runtime in kept] for _ in range(job["repeat"])]
        for _ in range(job["warm_up"]):
            one_image(fresh(links[0]), executable, start)
        return [[one_image(fresh(link), executable, start) for link in links] for _ in range(job["repeat"])]

    answer(rank, job, log, answers, work)


# ---------------------------------------------------------------- both parties


def wire_up(networks):
    """For each party the addresses of every link: its own port, and the other's or the proxy before it."""
    seen, held = ([], []), []
    for network in networks:
        sockets = [socket.create_server((proxy.HOST, 0)) for _ in range(2)]  # kept till no proxy can take their ports
        held += sockets
        own = [s.getsockname()[1] for s in sockets]
        shown = own
        if network:
            shown = proxy.between((proxy.HOST, own[0]), (proxy.HOST, own[1]), *network)
        seen[0].append([f"{proxy.HOST}:{own[0]}", f"{proxy.HOST}:{shown[1]}"])
        seen[1].append([f"{proxy.HOST}:{shown[0]}", f"{proxy.HOST}:{own[1]}"])
    for s in held:
        s.close()
    return seen


def collect(processes, answers, limit):
    """What both parties answer; the first failure, death or the time limit ends it."""
    until, got, dead = time.monotonic() + limit, {}, []
    while len(got) < len(processes):
        try:
            rank, rounds, failure = answers.get(timeout=1)
        except queue.Empty:
            if dead:  # for a second already, so no answer of theirs is on its way
                raise RuntimeError(f"party {dead[0]} ended with code {processes[dead[0]].exitcode} and left no result") from None
            if time.monotonic() > until:
                raise RuntimeError(f"no result after {limit:g} s; raise --timeout or lower --repeat") from None
            dead = [rank for rank, p in enumerate(processes) if rank not in got and p.exitcode is not None]
            continue
        if failure:
            raise RuntimeError(failure)
        got[rank] = rounds
    return [got[rank] for rank in range(len(processes))]


def run(folder, runner, job, networks):
    """Rounds of what `one_image` returns on rank 0, and the opened outputs: [round][network]."""
    api, lib = runner.import_spu()
    manifest = runner.load_manifest()
    weights = runner.load_weights(manifest, job)
    image = runner.fill(runner.load_images(manifest, job["input"], 1), job)[0]
    vis = runner.visibilities(lib, manifest, job["program"], job["weights"])
    code = runner.compile_program(api, lib, runner.load_program(job), vis)
    io = api.Io(2, runner.runtime_config(lib, job))
    owner = runner.SERVER_RANK if job["weights"] == "server" else -1
    secret = lib.Visibility.VIS_SECRET
    images = runner.deal(io, [image], [secret], secret, -1)
    dealt = runner.deal(io, weights, vis[1:], secret, owner) if weights else [[], []]
    names = ["in"] + [f"w{i}" for i in range(len(weights))]
    seen = wire_up(networks)
    os.environ.update(runner.environment(2))
    spawn = multiprocessing.get_context("spawn")
    start, answers = spawn.Barrier(2, timeout=job["timeout"]), spawn.Queue()
    with tempfile.TemporaryDirectory(prefix="relinc-latency-") as logs:
        arguments = lambda rank: (
            rank, folder, os.path.join(logs, f"{rank}.log"), job, (names, code), images[rank] + dealt[rank], seen[rank],
            start, answers,
        )
        processes = [spawn.Process(target=party, args=arguments(rank), daemon=True) for rank in (0, 1)]
        try:
            for process in processes:
                process.start()
            by_party = collect(processes, answers, job["timeout"])
        finally:
            for process in processes:
                if process.pid is not None:
                    process.kill()
                    process.join()
    outputs = [
        [io.reconstruct([first[-1], second[-1]]).reshape(-1) for first, second in zip(*both)] for both in zip(*by_party)
    ]
    return by_party[0], outputs


# ---------------------------------------------------------------- predicted beside measured


def predictions(report, protocol, weights, later):
    """The report's costs for this protocol, a network each; of queries that are not the first, where they pay less."""
    found = [c for c in report["cost"] if c["protocol"] == f"spu-{protocol}" and c["weights"] == weights]
    if not found:
        usage(f"report.json has no prediction for spu-{protocol} with {weights} weights; compile with --protocol {protocol}")
    of = lambda c: c | c["later"] | {"latency_s": c["later"]["communication_s"], "compute_s": None}
    return [of(c) if later and c.get("later") else c for c in found]


def communication(costs, delay, rate):
    """Predicted seconds on a network, and whether they are the report's own figure for it."""
    for cost in costs:
        same_rate = cost["link"]["bandwidth_bit_s"] == rate if rate else cost["link"]["bandwidth_bit_s"] >= 1e11
        if abs(cost["link"]["rtt_s"] - 2 * delay) < 1e-9 and same_rate:
            return cost["latency_s"] - (cost.get("compute_s") or 0.0), True
    cost = costs[0]
    return cost["rounds"] * delay + (carried_bytes(cost) * 8 / rate if rate else 0.0), False


def carried_bytes(cost):
    """The bytes that take time on a link."""
    both = cost["online_bytes"], cost["received_bytes"]
    return sum(both) if cost.get("directions") == "in_turn" else max(both)


def compare(rounds, outputs, networks, costs):
    """One entry a network: seconds measured, predicted, and how far apart."""
    direct = [images[0][0] for images in rounds]
    compute = statistics.median(direct)
    entries = []
    for i, (delay, rate) in enumerate(networks[1:], 1):
        walls = [images[i][0] for images in rounds]
        measured = statistics.median(walls)
        carried = statistics.median(wall - alone for wall, alone in zip(walls, direct))
        said, reported = communication(costs, delay, rate)
        entries.append({
            "delay_ms": delay * 1000,
            "mbit": rate / 1e6 if rate else None,
            "measured_s": measured,
            "predicted_s": said + compute,
            "error_percent": 100 * (measured / (said + compute) - 1),
            "communication_measured_s": carried,
            "communication_predicted_s": said,
            "communication_from_report": reported,
            "communication_error_percent": 100 * (carried / said - 1) if said else None,
            "all_measured_s": walls,
            "best_s": min(walls),
            "best_error_percent": 100 * (min(walls) / (said + min(direct)) - 1),
            "without_processor_s": statistics.median(images[i][2] for images in rounds),
            "blocked_s": statistics.median(images[i][3] for images in rounds),
            "best_blocked_s": min(images[i][3] for images in rounds),
            "same_argmax": all(int(o[i].argmax()) == int(o[0].argmax()) for o in outputs),
        })
    return {
        "direct_s": compute,
        "all_direct_s": direct,
        "without_processor_s": statistics.median(images[0][2] for images in rounds),
        "blocked_s": statistics.median(images[0][3] for images in rounds),
        "networks": entries,
    }


def parse_arguments():
    parser = argparse.ArgumentParser(description="Predicted against measured latency, two processes through a proxy.")
    parser.add_argument("dir", type=pathlib.Path, help="what `relinc compile` wrote")
    parser.add_argument("--protocol", choices=("semi2k", "cheetah"), default="semi2k")
    parser.add_argument("--weights", choices=("secret", "server", "public"), help="default: as run.py")
    parser.add_argument("--later", action="store_true", help="time queries that are not the first of their session")
    parser.add_argument("--delay-ms", type=float, default=20.0, help="one way, in milliseconds (default 20)")
    parser.add_argument("--mbit", default="0,100", help="bandwidths in Mbit/s, 0 is uncapped (default 0,100)")
    parser.add_argument("--repeat", type=int, default=3, help="images over each link (default 3)")
    parser.add_argument("--warm-up", type=int, default=1, help="images over the direct link before (default 1)")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for all of them (default 600)")
    options = parser.parse_args()
    try:
        options.mbit = [float(part) for part in options.mbit.split(",")]
    except ValueError:
        parser.error(f"--mbit {options.mbit}: not numbers separated by commas")
    if options.repeat < 1 or options.timeout <= 0 or options.delay_ms < 0 or min(options.mbit) < 0:
        parser.error("--repeat and --timeout must be positive, --delay-ms and --mbit not negative")
    return options


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the parties are ended too
    folder = options.dir.resolve() / "spu"
    for needed in (folder / "run.py", folder.parent / "report.json"):
        if not needed.is_file():
            usage(f"{needed} is missing; `relinc compile … --target spu` writes it")
    runner = load_runner(folder)
    words = ["--protocol", options.protocol, "--timeout", str(options.timeout)]
    job = runner.make_job(
        runner.parse_arguments(words + (["--weights", options.weights] if options.weights else [])), runner.load_manifest()
    )
    job["repeat"], job["warm_up"], job["later"] = options.repeat, options.warm_up, options.later
    delay = options.delay_ms / 1000
    networks = [None] + [(delay, mbit * 1e6 or None) for mbit in options.mbit]
    report = json.loads((folder.parent / "report.json").read_text())
    costs = predictions(report, job["protocol"], job["weights"], options.later)
    load = os.getloadavg()[0]
    try:
        rounds, outputs = run(folder, runner, job, networks)
    except (RuntimeError, runner.RunError, runner.UsageError) as err:
        print(f"latency.py: {err}", file=sys.stderr)
        return 1
    print(json.dumps({
        "dir": str(options.dir),
        "protocol": job["protocol"],
        "weights": job["weights"],
        "later": options.later,
        "program": job["program"]["file"],
        "relus": report["totals"]["relus"],
        "layers": report["totals"]["nonlinear_layers"],
        "rounds": costs[0]["rounds"],
        "bytes": carried_bytes(costs[0]),
        "repeat": options.repeat,
        "load_average": [load, os.getloadavg()[0]],
        "cpu_s": statistics.median(images[0][1] for images in rounds),
        **compare(rounds, outputs, networks, costs),
    }, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
