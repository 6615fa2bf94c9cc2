"""Server, client, helper and dealer as hosts of their own: network namespaces, each with its own folder and nothing else, with TLS.

usage: hosts.py RELINC MODEL.onnx DATA --protocol P [--images 100] [--input FILE.npy] [--delay-ms D --mbit B] [--compute F]
                [--dealer-link MS,MBIT] [--insecure-dealer] [--timeout 600] [--compiled OUT]

Needs root and iproute2, and a Python with the packages of tests/mpc/requirements.txt. MODEL is compiled for the protocol, with DATA as
`relinc compile --data` takes it; its first test images are asked. Each host also has a mount namespace in which the others' folders are
not there. With --delay-ms (one way) and --mbit every link between parties goes through tests/mpc/proxy.py on a host between them, with
--dealer-link that from the server to the dealer. --compute says how long this machine computes beside that of the protocol's
file, as `compute=` in a network does. --insecure-dealer: the server deals, as a measure of what the dealer costs.

Prints one JSON document: classes against onnxruntime's, those that differ and by how much the two best logits of onnxruntime do, bytes of
later queries of all parties against the report, seconds of first and later queries against the report's.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import common
import numpy as np

LAN = "relinc-lan"
NETWORK = "10.77.0"
ADDRESS = {"server": f"{NETWORK}.1", "client": f"{NETWORK}.2", "helper": f"{NETWORK}.3", "dealer": f"{NETWORK}.4"}
BETWEEN = f"{NETWORK}.254"
QUERY = re.compile(r"query \d+: sent ([\d,]+) B, received ([\d,]+) B in (\d+) actions.*, ([\d.]+) s$")
ISOLATED = 'mount --bind "$0" /mnt && mount -t tmpfs none "$1" && shift && export TMPDIR=/mnt/tmp && exec "$@"'


def ip(*words):
    subprocess.run(["ip", *words], check=True)


@contextlib.contextmanager
def hosts():
    """The namespaces, joined by a bridge."""
    names = {role: f"relinc-{role}" for role in ADDRESS}
    for name in (LAN, *names.values()):
        subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)
    try:
        ip("netns", "add", LAN)
        ip("-n", LAN, "link", "set", "lo", "up")
        ip("-n", LAN, "link", "add", "bridge", "type", "bridge")
        ip("-n", LAN, "link", "set", "bridge", "up")
        ip("-n", LAN, "addr", "add", f"{BETWEEN}/24", "dev", "bridge")
        for role, name in names.items():
            ip("netns", "add", name)
            ip("-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", f"to-{role}", "netns", LAN)
            ip("-n", LAN, "link", "set", f"to-{role}", "master", "bridge", "up")
            ip("-n", name, "addr", "add", f"{ADDRESS[role]}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield names
    finally:
        for name in (*names.values(), LAN):
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)


class Hosts(common.Trial):
    """Parties in their namespaces; each finds what it has below /mnt."""

    def __init__(self, relinc, spu, protocol, work, tls, names, images, ports, timeout, dealer=True):
        self.names, self.root = names, Path(work) / "hosts"
        where = ADDRESS | {pair: BETWEEN for pair in ports if isinstance(pair, tuple)}
        super().__init__(relinc, spu, protocol, work, tls, where, common.PORTS | ports, self.inside, timeout, dealer)
        for role in (*self.roles, "dealer"):
            home = self.root / role
            (home / "tmp").mkdir(parents=True)
            subprocess.run(["cp", "-r", str(tls / role), str(home / "tls")], check=True)
            if role != "dealer":
                self.folders[role].rename(home / "spu")
                self.folders[role] = Path("/mnt/spu")
        np.save(self.root / "client" / "images.npy", images)
        self.report = spu.parent / "report.json"
        subprocess.run(["cp", str(self.report), str(self.root / "server/spu/report.json")], check=True)

    def tls_of(self, _role):
        return Path("/mnt/tls")

    def inside(self, role, command):
        """A command on a host."""
        return ["ip", "netns", "exec", self.names[role], "unshare", "--mount", "sh", "-c", ISOLATED,
                str(self.root / role), str(self.work), *command]


def links(options):
    """Pairs that see each other through a proxy: one-way delay in ms and Mbit a second by pair."""
    roles = common.ROLES if options.protocol in common.THREE else common.ROLES[:2]
    slow = (options.delay_ms, options.mbit)
    out = {(a, b): slow for i, a in enumerate(roles) for b in roles[i + 1:]} if any(slow) else {}
    return out | ({("server", "dealer"): options.dealer_link} if options.dealer_link else {})


def between(pairs):
    """Starts proxies for pairs of hosts; the processes, one a pair, and the ports by who sees whom."""
    code = (
        "import sys, json, threading; sys.path.insert(0, sys.argv[1]); import proxy; proxy.HOST = sys.argv[2];"
        "a, b, d, r = json.loads(sys.argv[3]); print(json.dumps(proxy.between(tuple(a), tuple(b), d, r)), flush=True); threading.Event().wait()"
    )
    children, ports = [], {}
    for (a, b), (delay, mbit) in pairs.items():
        ends = [(ADDRESS[role], common.PORTS[role]) for role in (a, b)]
        children.append(subprocess.Popen(
            ["ip", "netns", "exec", LAN, sys.executable, "-c", code, str(Path(__file__).resolve().parent.parent / "mpc"), BETWEEN,
             json.dumps([*ends, delay / 1000, mbit and mbit * 1e6])], stdout=subprocess.PIPE, text=True))
        ports[b, a], ports[a, b] = json.loads(children[-1].stdout.readline())
    return children, ports


def number(text):
    return int(text.replace(",", ""))


def logged(log):
    """Bytes sent and received and seconds of each query, as a log has them."""
    return [(number(m[1]), number(m[2]), float(m[4])) for line in log.splitlines() if (m := QUERY.search(line))]


def reference(model, images):
    """onnxruntime's logits."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: image[None]})[0].reshape(1, -1) for image in images])


def predicted(report, protocol, network):
    """The report's entry for a protocol on a network."""
    for entry in json.loads(report.read_text())["cost"]:
        if re.fullmatch(rf"spu-{protocol}(-ring\d+)?", entry["protocol"]) and entry["network"] == network:
            return entry
    raise SystemExit(f"{report}: no {protocol} on {network}")


def off(measured, said):
    """Percent that something measured is above what was predicted."""
    return round(100 * (measured / said - 1), 2) if said else None


def judge(trial, document, images, model, protocol, network):
    """What is printed."""
    wanted = reference(model, images)
    scores = np.array([image["scores"] for image in document["images"]])
    order = np.sort(wanted, axis=1)
    gap = (order[:, -1] - order[:, -2]) / (wanted.max() - wanted.min())
    differ = [int(i) for i in np.flatnonzero(scores.argmax(1) != wanted.argmax(1))]
    sides = [logged(trial.log(role)) for role in trial.roles if role != "client"]
    own = [(q["sent_bytes"], q["recv_bytes"], q["seconds"]) for q in document["queries"]]
    sent = np.array([[q[0] for q in side] for side in (*sides, own)]).sum(0)
    seconds = np.array([q[2] for q in sides[0]])
    entry = predicted(trial.report, protocol, network)
    later = entry.get("later") or entry
    all_bytes = later["online_bytes"] + later["received_bytes"] if entry.get("later") else entry["all_bytes"]
    computing = later.get("compute_s")
    said = later["communication_s"] + computing if entry.get("later") else entry["latency_s"]
    return {
        "protocol": protocol, "network": network, "images": len(images), "differ": differ,
        "gaps_of_those": [round(float(gap[i]), 4) for i in differ], "largest_error": float(np.abs(scores - wanted).max()),
        "range": float(wanted.max() - wanted.min()),
        "first": {"bytes": int(sent[0]), "predicted": entry["all_bytes"], "seconds": float(seconds[0])},
        "later": {"bytes": float(sent[1:].mean()), "predicted": all_bytes, "percent": off(sent[1:].mean(), all_bytes),
                  "seconds": float(seconds[1:].mean()), "median": float(np.median(seconds[1:])), "least": float(seconds[1:].min()),
                  "predicted_seconds": said, "predicted_is": entry["latency_is"]},
    }


def say(words):
    """A line about how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("relinc")
    parser.add_argument("model", type=Path)
    parser.add_argument("data")
    parser.add_argument("--protocol", required=True, choices=("semi2k", "aby3", "cheetah"))
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--input", type=Path, metavar="FILE.npy", help="images as the network takes them, instead of the 20 that compiling takes of DATA")
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--mbit", type=float)
    parser.add_argument("--compute", type=float, metavar="F")
    parser.add_argument("--dealer-link", type=lambda text: tuple(map(float, text.split(","))), metavar="MS,MBIT", help="one-way delay and bandwidth from server to dealer")
    parser.add_argument("--insecure-dealer", action="store_true")
    parser.add_argument("--timeout", type=float, default=600.0)
    parser.add_argument("--compiled", type=Path, metavar="OUT", help="what was compiled before, for the same network")
    options = parser.parse_args()
    common.environment()
    relinc = str(Path(options.relinc).resolve())
    slow = options.delay_ms or options.mbit
    network = f"rtt={2 * options.delay_ms:g}ms;bandwidth={options.mbit or 1e5:g}Mbit" if slow else "lan"
    network += f";compute={options.compute:g}" if options.compute else ""
    with tempfile.TemporaryDirectory(prefix="relinc-hosts-") as work, hosts() as names:
        work = Path(work)
        spu = options.compiled and options.compiled.resolve() / "spu" or common.compile_network(
            relinc, options.model, work / "out", [options.protocol], "--data", options.data, "--budget", "100%", "--limit", str(options.images),
            "--network", network, "--fixed-point", "off")
        images = np.load(options.input or spu / "sample_input.npy")[:options.images]
        tls = common.certificates(relinc, work / "tls")
        proxies, ports = between(links(options))
        with Hosts(relinc, spu, options.protocol, work, tls, names, images, ports, options.timeout, not options.insecure_dealer) as trial:
            began = time.monotonic()
            trial.services()
            say("the services start")
            code, document, err = trial.query(["/mnt/images.npy"], "--patience", "300", limit=24 * 3600)
            took = time.monotonic() - began
            for proxy in proxies:
                proxy.kill()
            say(f"{len(images)} images were asked")
            if code:
                raise SystemExit(f"exit {code}: {err}\n{trial.log()}")
            time.sleep(1)
            trial.end()
            print(json.dumps(judge(trial, document, images, options.model, options.protocol, network) | {"whole_s": round(took, 1)}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
