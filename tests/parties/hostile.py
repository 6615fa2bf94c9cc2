"""What a server and its client say, and that the server stays, when the other side is not what it should be.

usage: hostile.py RELINC [--queries 1000] [--strings 10000] [--only WORD]

Runs a small network under SEMI2K with a dealer, each party in a process with its own folder, with TLS. Prints a line for each case and
exits 1 when one is not as it should be. What a side has to wait for is limited by its own options; what takes computing is given more time
on a machine that has other work, by how long queries take there.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import common
import numpy as np
import running

TIMEOUT_S = 20  # --timeout of both sides
failed = []


def check(name, right, said):
    """A line; what is not right is remembered."""
    print(f"{'ok  ' if right else 'FAIL'} {name}: {' '.join(str(said).split())[:240]}", flush=True)
    if not right:
        failed.append(name)


def last(log, count=1):
    """The last lines of a log, without their times."""
    return " | ".join(line.split(" ", 1)[-1] for line in log.strip().splitlines()[-count:])


class Case:
    """The parties of all cases; `between`, where they are, the hosts between server and client."""

    def __init__(self, trial, images, work, relinc, between=()):
        self.trial, self.images, self.work, self.relinc, self.between, self.timeout = trial, images, work, relinc, between, TIMEOUT_S
        self.pace = 0.0  # seconds of the longest query until now, with Python's start

    def limit(self, seconds):
        """Seconds for something that takes so many where nothing else runs, and some starts of Python."""
        return seconds + 5 * self.pace

    def refused(self, name, client_says, server_says, folder=None, tls=None, protocol=None):
        """A query that both sides must refuse in words, soon, after which another one is answered."""
        trial, began, before = self.trial, time.monotonic(), len(self.trial.log())
        command = trial.command(self.images[:1], "--patience", "15")
        if folder:
            command[command.index(str(trial.folders["client"]))] = str(folder)
        if tls:
            command[command.index(str(trial.tls / "client"))] = str(tls)
        if protocol:
            at = command.index("--protocol")
            command[at + 1] = protocol
            at = command.index("--dealer")
            del command[at:at + 4]
        done = subprocess.run(command, capture_output=True, text=True, timeout=self.limit(600))
        took, log = time.monotonic() - began, trial.log()[before:]
        check(f"{name}, client", done.returncode == 1 and client_says in done.stderr and took < self.limit(TIMEOUT_S),
              f"exit {done.returncode} after {took:.0f} s: {done.stderr.strip()[-200:]}")
        check(f"{name}, server", server_says in log, last(log))

    def answered(self, name, patience=40):
        """A query that is answered, by a server that is there for it within so many seconds."""
        began = time.monotonic()
        code, document, err = self.trial.query(self.images[:1], "--patience", str(patience))
        took = time.monotonic() - began
        self.pace = max(self.pace, took)
        check(f"{name}: the next query is answered", code == 0, f"exit {code} after {took:.1f} s {err}")

    def many(self, count):
        """A file of so many images."""
        file = self.work / f"many-{count}.npy"
        np.save(file, np.tile(np.load(self.images[0]), (count // 4, 1, 1, 1)))
        return file

    def session(self, count=100_000):
        """A client in the middle of a long session."""
        many = self.many(count)
        self.trial.wait_until("waiting")  # the last session has left
        with open(self.work / "answers.json", "wb") as sink:
            child = subprocess.Popen(self.trial.command([many]), stdout=sink, stderr=subprocess.PIPE, text=True)
        self.trial.wait_until("serving")
        time.sleep(1)
        return child

    def last_words(self, client, seconds):
        """What a client says on stderr until it ends; one that does not end in so many seconds is killed, and its exit code is no right one."""
        try:
            return client.communicate(timeout=self.limit(seconds))[1]
        except subprocess.TimeoutExpired:
            running.kill(client)
            return f"it hangs for {self.limit(seconds):.0f} s {client.communicate()[1]}"

    def answers_off(self):
        """By how much the last session's answers about the same image differ at most."""
        scores = np.array([image["scores"] for image in json.loads((self.work / "answers.json").read_text())["images"]])
        period = len(np.load(self.images[0]))
        return float(np.abs(scores - np.tile(scores[:period], (len(scores) // period, 1))).max())


def certificates(case):
    trial = case.trial
    expired = common.certificates(case.relinc, case.work / "expired", "--days", "0")
    other = common.certificates(case.relinc, case.work / "other-ca")
    kept = trial.tls / "kept"
    shutil.copytree(trial.tls / "server", kept)
    shutil.copytree(expired / "server", trial.tls / "server", dirs_exist_ok=True)
    case.refused("expired certificates", "expired", "not let in", tls=expired / "client")
    shutil.copytree(kept, trial.tls / "server", dirs_exist_ok=True)
    case.refused("another authority", "certificate is not accepted", "not let in", tls=other / "client")
    mixed = case.work / "mixed"  # trusts the server, is not trusted
    shutil.copytree(other / "client", mixed)
    shutil.copy(trial.tls / "client/ca.pem", mixed / "ca.pem")
    case.refused("a client of another authority", "does not accept this side's certificate", "certificate is not accepted", tls=mixed)
    case.answered("certificates")


def agreement(case):
    relinc, work = case.relinc, case.work
    model = common.small_network(work / "other.onnx", strides=2)
    spu = common.compile_network(relinc, model, work / "other", ["semi2k", "cheetah"])
    stranger = common.hand_over(spu, work / "stranger", "client")
    case.refused("another program", "the server has another", "the client has another", folder=stranger)
    old = Path(shutil.copytree(case.trial.folders["client"], work / "old"))
    manifest = json.loads((old / "public/manifest.json").read_text())
    (old / "public/manifest.json").unlink()
    (old / "public/manifest.json").write_text(json.dumps(manifest | {"relinc": "0.1.0"}))
    case.refused("another version", "another relinc and manifest", "another relinc and manifest", folder=old)
    case.refused("another protocol", "another protocol", "another protocol", protocol="cheetah")
    case.answered("agreement")


def port(case):
    trial = case.trial
    host, number = trial.address("client").rsplit(":", 1)
    with socket.create_server((host, int(number))):
        code, _, err = trial.query(case.images)
    check("a client's port is taken", code == 2 and "take another port" in err, f"exit {code}: {err}")
    second = subprocess.run([case.relinc, "serve", str(trial.folders["server"]), *trial.options("server")], capture_output=True, text=True, timeout=case.limit(120))
    check("a server's port is taken", second.returncode == 2 and "take another port" in second.stderr, f"exit {second.returncode}: {second.stderr}")


def stops(case):
    trial = case.trial
    client, before, began = case.session(), len(trial.log()), time.monotonic()
    for pid in common.family(client.pid):
        os.kill(pid, signal.SIGSTOP)
    trial.wait_until("waiting", case.limit(TIMEOUT_S + 30))
    check("a client stops, server", "nothing came" in trial.log()[before:] or "session ended" in trial.log()[before:],
          f"after {time.monotonic() - began:.0f} s: {last(trial.log(), 2)}")
    for pid in common.family(client.pid):
        os.kill(pid, signal.SIGKILL)
    client.communicate()
    case.answered("a client stops")
    client, began = case.session(), time.monotonic()
    server = [pid for pid in workers(trial, "server")]
    for pid in server:
        os.kill(pid, signal.SIGSTOP)
    err = case.last_words(client, 2 * TIMEOUT_S)
    check("a server's worker stops, client", client.returncode == 1, f"exit {client.returncode} after {time.monotonic() - began:.0f} s: {err.strip()}")
    for pid in server:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass
    case.answered("a server's worker stops")


def workers(trial, role):
    """The workers of a party: those that the process that loads has forked."""
    loading = [pid for pid in common.family(trial.services_[role].pid) if pid != trial.services_[role].pid][0]
    return [pid for pid in common.family(loading) if pid != loading]


def killed(case):
    trial = case.trial
    client, before = case.session(), len(trial.log())
    for pid in common.family(client.pid):
        os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    case.answered("a client is killed", 15)
    client.communicate()
    check("a client is killed, server", "session ended" in trial.log()[before:], f"{time.monotonic() - began:.1f} s later all was over: {last(trial.log(), 8)}")
    client, before = case.session(), len(trial.log())
    for pid in workers(trial, "server"):
        os.kill(pid, signal.SIGKILL)
    err = case.last_words(client, 60)
    check("a server's worker is killed, client", client.returncode == 1, f"exit {client.returncode}: {err.strip()}")
    check("a server's worker is killed, server", "killed by SIGKILL" in trial.log()[before:], last(trial.log(), 2))
    case.answered("a server's worker is killed")


def throw(address, data, tls=None, wait=0.5):
    """Sends bytes to a port."""
    host, number = address.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(number)), timeout=5) as sock:
            if tls:
                made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                made.check_hostname = False
                made.load_cert_chain(tls / "cert.pem", tls / "key.pem")
                made.load_verify_locations(tls / "ca.pem")
                sock = made.wrap_socket(sock)
            sock.sendall(data)
            if wait:
                sock.settimeout(wait)
                sock.recv(4096)
    except OSError:
        pass


def garbage(case, strings):
    trial, draw = case.trial, random.Random(1)
    address, before = trial.address("server"), len(trial.log())
    for data in (b"\n", b"{}\n", b"[" * 4000 + b"\n", b'{"greeting": ' + b"[" * 4000 + b"\n", b"{" * 100_000, b'{"greeting": null}\n', b'{"greeting": {"relinc": "0"}}\n', draw.randbytes(3000) + b"\n"):
        throw(address, data, trial.tls / "client")
    log = trial.log()[before:]
    check("garbage with a certificate", "not let in" in log and "Traceback" not in log, last(log))
    began = time.monotonic()
    for _ in range(strings):
        throw(address, draw.randbytes(draw.randrange(1, 400)), wait=0)
    time.sleep(1)
    log = trial.log()[before:]
    state = trial.state()
    check(f"{strings} random byte strings", state and state[0]["state"] == "waiting" and len(log) < 100_000,
          f"{time.monotonic() - began:.0f} s, {len(log.splitlines())} lines of log, {common.resident(trial.services_['server'].pid):.0f} MiB, {state}")
    case.answered("garbage")
    client = case.session(400)
    for _ in range(200):
        throw(address, draw.randbytes(draw.randrange(1, 400)), wait=0)
    err = case.last_words(client, 600)
    out = (case.work / "answers.json").read_text()
    check("200 byte strings at the port of a running session", client.returncode == 0, f"exit {client.returncode}, {len(json.loads(out)['images']) if out else 0} answers {err}")


def second_port(trial):
    host, number = trial.address("server").rsplit(":", 1)
    return f"{host}:{int(number) + 1}"


def two_clients(case):
    trial, stop, draw = case.trial, threading.Event(), random.Random(2)

    def hostile():
        held = []
        while not stop.is_set():
            host, number = second_port(trial).rsplit(":", 1)
            try:
                held.append(socket.create_connection((host, int(number)), timeout=5))
                held[-1].sendall(b"\x16")  # the first byte of a handshake, and then nothing
            except OSError:
                pass
            throw(second_port(trial), draw.randbytes(200), wait=0)
            time.sleep(0.01)

    thread = threading.Thread(target=hostile)
    thread.start()
    time.sleep(1)
    for i in range(3):
        case.answered(f"beside a slow and babbling client, {i}")
    stop.set()
    thread.join()
    check("both clients' places are open", all(p["state"] == "waiting" for p in trial.state()), trial.state())


def many(case, queries):
    trial = case.trial
    client, server = case.session(queries), trial.services_["server"].pid
    start = (common.resident(server), common.resident(client.pid))
    end, first = start, trial.state()[0]["queries"]
    while client.poll() is None:
        now = (common.resident(server), common.resident(client.pid))
        state = trial.state()
        if client.poll() is None and now[1] > 50 and state[0]["state"] == "serving":
            end, seen = now, state[0]["queries"]
        time.sleep(1)
    client.communicate()
    grown = [b - a for a, b in zip(start, end)]
    check(f"{queries} queries in a session", client.returncode == 0 and max(grown) < 30,
          f"server {start[0]:.0f} MiB after query {first}, {end[0]:.0f} after {seen}; client {start[1]:.0f} and {end[1]:.0f}")
    before = common.resident(server)
    for _ in range(5):
        trial.query(case.images)
    after = common.resident(server)
    check("five sessions", after - before < 10, f"server {before:.0f} MiB before, {after:.0f} after")


def disturb(relinc, spu, work, tls):
    """Sessions that are disturbed while they run: the parties anew, with hosts between them."""
    seen = running.PROXIES
    between = [running.Between(seen["client", "server"], common.PORTS["server"]), running.Between(seen["server", "client"], common.PORTS["client"])]
    (work / "running").mkdir()
    with common.Trial(relinc, spu, "semi2k", work / "running", tls, ports=common.PORTS | seen, timeout=TIMEOUT_S) as trial:
        trial.services_ = trial.services()
        trial.wait_until()
        case = Case(trial, [spu / "sample_input.npy"], work, relinc, between)
        case.answered("undisturbed")
        before = common.resident(trial.services_["server"].pid)
        running.sweep(case, check)
        after = common.resident(trial.services_["server"].pid)
        check("disturbed sessions: memory", after - before < 30, f"server {before:.0f} MiB before, {after:.0f} after")
        trial.end()
        codes = [child.returncode for child in trial.services_.values()]
        check("disturbed sessions: all end by TERM", codes == [0] * len(codes), codes)
    for one in between:
        one.close()


def nothing_left(work):
    """What SPU leaves has gone with the sessions."""
    strays = [str(f.relative_to(work)) for f in work.rglob("BeaverCache*")] + [f.name for f in (work / "tmp").iterdir()]
    check("no file is left", not strays, strays)


def digests(folder):
    """What a folder holds."""
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.rglob("*")) if f.is_file()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("relinc")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--strings", type=int, default=10_000)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    options = parser.parse_args()
    common.environment()
    relinc = str(Path(options.relinc).resolve())
    with tempfile.TemporaryDirectory(prefix="relinc-hostile-") as work:
        work = Path(work)
        os.chdir(work)
        os.environ["TMPDIR"] = str(work / "tmp")
        (work / "tmp").mkdir()
        spu = common.compile_network(relinc, common.small_network(work / "small.onnx"), work / "out", ["semi2k", "cheetah"])
        tls = common.certificates(relinc, work / "tls")
        with common.Trial(relinc, spu, "semi2k", work, tls, timeout=TIMEOUT_S) as trial:
            trial.services_ = trial.services("--peer", "127.0.0.1:29801")
            trial.wait_until()
            case = Case(trial, [spu / "sample_input.npy"], work, relinc)
            held = {role: digests(folder) for role, folder in trial.folders.items()}
            case.answered("at first")
            cases = [certificates, agreement, port, stops, killed, lambda c: garbage(c, options.strings), two_clients, lambda c: many(c, options.queries)]
            names = ["certificates", "agreement", "port", "stops", "killed", "garbage", "two_clients", "many"]
            for name, run in zip(names, cases):
                if options.only in name:
                    trial.wait_until()
                    run(case)
            for role, folder in trial.folders.items():
                check(f"the {role}'s folder is as it was", digests(folder) == held[role], sorted(held[role]))
            trial.end()
            codes = [child.returncode for child in trial.services_.values()]
            check("all end by TERM", codes == [0] * len(codes), codes)
        if options.only in "running":
            disturb(relinc, spu, work, tls)
        nothing_left(work)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
