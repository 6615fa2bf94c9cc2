#!/usr/bin/env python3
"""Measures what CrypTen's operations send: the raw figures behind specs/protocols/crypten-*.yaml.

usage: crypten_ops.py [--parties 2|3] [--timeout S] [--json] [OPERATION…]

Every operation runs alone on random data at several sizes, one process a party on this machine. Printed for party 0:
bytes sent and received by CrypTen's own counting rules, CrypTen's total of both, and its number of collective calls;
beside them the sizes a law may depend on. Wants the packages of tests/mpc/requirements-crypten.txt.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

RUNNER = pathlib.Path(__file__).resolve().parents[2] / "passes/src/back/crypten/run.py"
SIZES = (1, 7, 1_000, 16_384)
# input channels, output channels, side, kernel, stride, groups
CONVS = (
    (3, 16, 32, 3, 1, 1), (16, 16, 32, 3, 1, 1), (16, 32, 32, 3, 2, 1), (16, 32, 32, 1, 2, 1), (64, 64, 8, 3, 1, 1),
    (8, 24, 8, 5, 1, 1), (16, 16, 16, 3, 1, 16),
)
LINEARS = ((1, 64, 10), (1, 512, 100), (1, 1000, 1))


def runner():
    """The emitted runner as a module: its Tally is what splits the directions."""
    spec = importlib.util.spec_from_file_location("runner", RUNNER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cases(crypten, torch):
    """(operation, setting, sizes, what to run) in the order of printing."""
    secret = lambda t: crypten.cryptensor(t, src=0)
    settings = (("secret", secret), ("public", lambda t: t))
    for n in SIZES:
        x, y = secret(torch.randn(1, n)), secret(torch.randn(1, n))
        size = {"elements": n}
        for name, call in {
            "relu": lambda x=x: x.relu(),
            "clip": lambda x=x: x.hardtanh(0.0, 6.0),
            "max": lambda x=x, y=y: y + (x - y).relu(),
            "mul": lambda x=x, y=y: x.mul(y),
            "square": lambda x=x: x.square(),
            "mul_const": lambda x=x: x.mul(torch.tensor(0.3)),
            "div_const": lambda x=x: x.div(8),
            "add": lambda x=x, y=y: x + y,
            "gather": lambda x=x, n=n: x.take(torch.arange(n).flip(0), 1),
            "concat": lambda x=x, y=y: crypten.cat([x, y], 1),
            "exp": lambda x=x: x.exp(),
            "logistic": lambda x=x: x.sigmoid(),
            "sqrt": lambda x=x: x.sqrt(),
            "erf": lambda x=x: x.erf(),
            "reciprocal": lambda x=x: x.reciprocal(),
            "div": lambda x=x, y=y: x.div(y),
        }.items():
            yield name, "any", size, call
        for setting, share in settings:
            w = share(torch.randn(1, n))
            yield "mul_weight", setting, {"inputs": n, "weights": n, "elements": n}, lambda x=x, w=w: x.mul(w)
            yield "add_weight", setting, {"inputs": n, "weights": n, "elements": n}, lambda x=x, w=w: x.add(w)
    for c, side in ((16, 16), (64, 8)):
        x = secret(torch.randn(1, c, side, side))
        n = c * side * side
        for setting, share in settings:
            w = share(torch.randn(c, 1, 1))
            yield "mul_weight", setting, {"inputs": n, "weights": c, "elements": n}, lambda x=x, w=w: x.mul(w)
        yield "mean", "any", {"inputs": n, "elements": c}, lambda x=x: crypten.nn.GlobalAveragePool().encrypt()(x)
        pooled = n // 4
        yield "mean", "any", {"inputs": n, "elements": pooled}, lambda x=x: x.avg_pool2d(2, stride=2)
        yield "reduce_mean", "any", {"inputs": n, "elements": c}, lambda x=x: x.mean([2, 3], keepdim=True)
    for cin, cout, side, k, stride, groups in CONVS:
        x = secret(torch.randn(1, cin, side, side))
        kernel = torch.randn(cout, cin // groups, k, k) / 10
        out = cout * ((side + 2 * (k // 2) - k) // stride + 1) ** 2
        size = {"inputs": cin * side * side, "weights": kernel.nelement(), "outputs": out}
        for setting, share in settings:
            w = share(kernel)
            yield "conv", setting, size, lambda x=x, w=w, k=k, s=stride, g=groups: x.conv2d(
                w, stride=s, padding=k // 2, groups=g)
    for rows, cin, cout in LINEARS:
        x = secret(torch.randn(rows, cin))
        matrix = torch.randn(cin, cout) / 10
        size = {"inputs": rows * cin, "weights": cin * cout, "outputs": rows * cout}
        for setting, share in settings:
            w = share(matrix)
            yield "linear", setting, size, lambda x=x, w=w: x.matmul(w)


def measure(rank, parties, wanted, folder):
    """One party: runs every case, party 0 writes the rows."""
    import torch

    torch.set_num_threads(1)
    import crypten

    torch.manual_seed(0)
    crypten.init()
    crypten.cfg.communicator.verbose = True
    communicator = crypten.communicator.get()
    tally = runner().Tally(communicator, rank, parties)
    rows = []
    for operation, setting, size, call in cases(crypten, torch):
        if wanted and operation not in wanted:
            continue
        communicator.reset_communication_stats()
        tally.reset()
        with crypten.no_grad():
            call()
        stats = communicator.get_communication_stats()
        rows.append({
            "operation": operation, "setting": setting, **size, "sent": tally.sent, "recv": tally.received,
            "crypten_bytes": int(stats["bytes"]), "rounds": int(stats["rounds"]),
        })
    if rank == 0:
        (pathlib.Path(folder) / "rows.json").write_text(json.dumps(rows))
    os._exit(0)


def collect(parties, wanted, timeout):
    """The rows of party 0; exits 1 when the parties do not end in time."""
    with tempfile.TemporaryDirectory() as folder:
        children = []
        for rank in range(parties):
            env = runner().party_environment(folder, rank, parties)
            command = [sys.executable, __file__, "--party", str(rank), str(parties), folder, *wanted]
            children.append(subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL))
        deadline = time.monotonic() + timeout
        try:
            for child in children:
                child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            sys.exit(f"no result after {timeout} s")
        finally:
            for child in children:
                if child.poll() is None:
                    child.kill()
        rows = pathlib.Path(folder) / "rows.json"
        if not rows.is_file():
            sys.exit("a party failed; see above")
        return json.loads(rows.read_text())


def main():
    if sys.argv[1:2] == ["--party"]:
        rank, parties, folder, *wanted = sys.argv[2:]
        measure(int(rank), int(parties), wanted, folder)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("operations", nargs="*")
    parser.add_argument("--parties", type=int, choices=(2, 3), default=2)
    parser.add_argument("--timeout", type=float, default=300.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = collect(options.parties, options.operations, options.timeout)
    if options.json:
        print(json.dumps(rows))
        return
    print(f"{'operation':<12}{'model':>8}{'inputs':>9}{'weights':>9}{'results':>9}{'sent':>12}{'received':>12}{'rounds':>7}")
    for r in rows:
        results = r.get("elements", r.get("outputs"))
        sizes = f"{r.get('inputs', results):>9,}{r.get('weights', 0):>9,}{results:>9,}"
        print(f"{r['operation']:<12}{r['setting']:>8}{sizes}{r['sent']:>12,}{r['recv']:>12,}{r['rounds']:>7}")


if __name__ == "__main__":
    main()
