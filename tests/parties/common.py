"""Real parties in processes of their own, each with its own folder only, for the checks in this folder.

They need a built relinc, and a Python with the packages of tests/mpc/requirements.txt that runs them.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROLES = ("server", "client", "helper")
COMMANDS = {"server": "serve", "client": "query", "helper": "help-party"}
THREE = ("aby3",)
HERE = {role: "127.0.0.1" for role in (*ROLES, "dealer")}
PORTS = {"server": 29700, "client": 29800, "helper": 29900, "dealer": 29449, "health": 29600}


def small_network(path, strides=1):
    """Writes a network of a convolution, a ReLU and a linear layer, whose weights are random."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    draw = np.random.default_rng(1)
    w = numpy_helper.from_array((draw.standard_normal((4, 3, 3, 3)) * 0.5).astype(np.float32), "w")
    v = numpy_helper.from_array(draw.standard_normal((5, 4)).astype(np.float32), "v")
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], strides=[strides, strides]),
        helper.make_node("Relu", ["c"], ["r"]), helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]), helper.make_node("Gemm", ["f", "v"], ["y"], transB=1),
    ]
    of = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", ["N", 3, 8, 8]), ("y", ["N", 5]))]
    graph = helper.make_graph(nodes, "small", of[:1], of[1:], [w, v])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def compile_network(relinc, model, out, protocols, *more):
    """Compiles a network for SPU; its folder spu."""
    asked = [word for protocol in protocols for word in ("--protocol", f"spu-{protocol}")]
    subprocess.run([relinc, "--quiet", "compile", str(model), "-o", str(out), "--target", "spu", *asked, *more],
                   check=True, stdout=subprocess.DEVNULL)
    return Path(out) / "spu"


def certificates(relinc, out, *more):
    """Folders of certificates, one a party."""
    subprocess.run([relinc, "--quiet", "certificates", "-o", str(out), *more], check=True, stdout=subprocess.DEVNULL)
    return Path(out)


def hand_over(spu, to, role):
    """Gives a party its folder and public/, and nothing else."""
    for folder in ("public", role):
        shutil.copytree(spu / folder, Path(to) / folder, dirs_exist_ok=True)
    return Path(to)


class Trial:
    """Parties of one protocol: what they are started with, and those that run."""

    def __init__(self, relinc, spu, protocol, work, tls, hosts=HERE, ports=PORTS, around=lambda role, command: command, timeout=120, dealer=True):
        self.relinc, self.protocol, self.work, self.tls = relinc, protocol, Path(work), Path(tls)
        self.hosts, self.ports, self.around, self.timeout = hosts, ports, around, timeout
        self.roles = ROLES if protocol in THREE else ROLES[:2]
        self.dealer = dealer and protocol == "semi2k"
        self.folders = {role: hand_over(spu, self.work / f"{protocol}-{role}", role) for role in self.roles}
        self.running = []

    def tls_of(self, role):
        """Where a party's certificates lie."""
        return self.tls / role

    def address(self, role, seen_by=None):
        """Where a party is, for another one."""
        host = self.hosts[role] if seen_by is None else self.hosts.get((seen_by, role), self.hosts[role])
        port = self.ports[role] if seen_by is None else self.ports.get((seen_by, role), self.ports[role])
        return f"{host}:{port}"

    def options(self, role):
        """What a party is started with."""
        out = ["--protocol", self.protocol, "--listen", self.address(role), "--timeout", str(self.timeout)]
        if self.protocol == "semi2k" and not self.dealer:
            out += ["--insecure-dealer"]
        if self.dealer:
            out += ["--dealer", self.address("dealer", role), "--dealer-key", str(self.tls_of(role) / "dealer.pub.pem")]
        peer = {"server": "client", "client": "server", "helper": "client"}[role]
        out += ["--peer", self.address(peer, role), "--tls", str(self.tls_of(role))]
        if "helper" in self.roles:
            out += ["--server", self.address("server", role)] if role == "helper" else ["--helper", self.address("helper", role)]
        return out

    def start(self, role, command, log, **more):
        """A process, ended with the trial."""
        with open(self.work / log, "ab") as sink:
            child = subprocess.Popen(self.around(role, command), stderr=sink, stdin=subprocess.DEVNULL, **more)
        self.running.append(child)
        return child

    def serve(self, role="server", *more):
        """Starts a party that stays."""
        command = [self.relinc, COMMANDS[role], str(self.folders[role]), *self.options(role), *more]
        return self.start(role, command, f"{self.protocol}-{role}.log")

    def deal(self):
        """Starts the dealer."""
        folder = self.tls_of("dealer")
        listen = f"{self.hosts['dealer']}:{self.ports['dealer']}"
        command = [self.relinc, "dealer", "--listen", listen, "--key", str(folder / "dealer.pem"), "--tls", str(folder)]
        return self.start("dealer", command, "dealer.log", stdout=subprocess.DEVNULL)

    def services(self, *server):
        """Starts all parties but the client; their processes by role."""
        out = {"dealer": self.deal()} if self.dealer else {}
        health = self.hosts["server"] + f":{self.ports['health']}"
        out["server"] = self.serve("server", "--health", health, *server)
        if "helper" in self.roles:
            out["helper"] = self.serve("helper")
        return out

    def command(self, inputs, *more):
        """The client's command line."""
        return [self.relinc, "--json", "query", str(self.folders["client"]), *self.options("client"),
                "--input", *map(str, inputs), *more]

    def query(self, inputs, *more, limit=3600):
        """Asks; the exit code, the document or nothing, and what was said on stderr."""
        done = subprocess.run(self.around("client", self.command(inputs, *more)), capture_output=True, text=True, timeout=limit)
        return done.returncode, json.loads(done.stdout) if done.stdout.strip() else None, done.stderr.strip()

    def log(self, role="server"):
        """What a party has said."""
        return (self.work / f"{self.protocol}-{role}.log").read_text(errors="replace")

    def state(self):
        """The server's health, as it says; None when it does not answer."""
        try:
            with urllib.request.urlopen(f"http://{self.hosts['server']}:{self.ports['health']}/health", timeout=5) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def wait_until(self, state="waiting", limit=600):
        """Waits for the server to be in a state."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if (said := self.state()) and said[0]["state"] == state:
                return
            time.sleep(0.1)
        raise SystemExit(f"the server is not {state} after {limit} s: {self.state()}\n{self.log()}")

    def end(self):
        """Ends what runs."""
        for child in self.running:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in self.running:
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def family(pid):
    """A process and all that it has started, as far as they run."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    out, todo = [], [pid]
    while todo:
        out.append(todo.pop())
        todo += children.get(out[-1], [])
    return out


def resident(pid):
    """MiB of memory that a process and all it started have for themselves or their share of."""
    total = 0
    for member in family(pid):
        try:
            for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except OSError:
            pass
    return total / 1024


def environment():
    """Parties on one machine share its processors; a check that is ended ends them."""
    os.environ.setdefault("RELINC_PYTHON", sys.executable)
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended
