"""A session that is disturbed while it runs: garbage in its links, links that are cut or fall silent, a client that has an accepted certificate and babbles.

Part of hostile.py. Server and client see each other through a host between them, as two sites do.
"""

import os
import random
import socket
import subprocess
import sys
import threading
import time

import common

PROXIES = {("client", "server"): 29750, ("server", "client"): 29850}  # who sees whom at which port
QUERIES = 200
STEP_S = 0.2  # between two looks at a session
BABBLE = """
import os, sys
sys.path.insert(0, sys.argv[1])
import session
def ask(self, number, images):
    if number < 2:
        return honest(self, number, images)
    {what}
    import time; time.sleep(3600)
honest, session.Session.ask = session.Session.ask, ask
import workers
workers.main(sys.argv[2])
"""
NOTE = "session.send_note(self.link, 0, {'query': number}); session.receive_note(self.link, 0, ('query', 'refused'))"
BABBLERS = {
    "random bytes instead of a query": "self.link.send(0, os.urandom(300))",
    "a query of 8 MiB": "self.link.send(0, b'{' * (8 << 20))",
    "deep JSON": "self.link.send(0, b'[' * 4000)",
    "a query for nothing": "session.send_note(self.link, 0, {'query': {'a': [1]}})",
    "random bytes instead of a share": NOTE + "; [self.link.send(0, os.urandom(1000)) for _ in range(20)]",
    "a pickle instead of a share": NOTE + "; import pickle; self.link.send(0, pickle.dumps(os.getcwd)); self.link.send(0, b'')",
    "a share of another length": NOTE + "; s = self.shares(images)[0]; self.link.send(0, s.meta); [self.link.send(0, c + b'x') for c in s.share_chunks]",
    "a share, then babble": NOTE + "; session.send_share(self.link, 0, self.shares(images)[0]); [self.link.send(0, os.urandom(5000)) for _ in range(200)]",
    "a share, then messages of a protocol that are too short": NOTE + "; session.send_share(self.link, 0, self.shares(images)[0]);"
    " [self.link.all_gather('x') for _ in range(3)]",
}


class Between:
    """Passes on what comes to a port, until it is told otherwise."""

    def __init__(self, listen, to):
        self.to, self.open, self.silent = to, [], threading.Event()
        self.listener = socket.create_server(("127.0.0.1", listen))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.to), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self.open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.pass_on, args=(one, other), daemon=True).start()

    def pass_on(self, one, other):
        try:
            while data := one.recv(1 << 16):
                while self.silent.is_set():
                    time.sleep(0.1)
                other.sendall(data)
        except OSError:
            pass
        self.end(one, other)

    def end(self, *socks):
        for sock in socks:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            if sock in self.open:
                self.open.remove(sock)
            sock.close()

    def spoil(self, data):
        """Writes bytes into all connections, both ways."""
        for sock in list(self.open):
            try:
                sock.sendall(data)
            except OSError:
                pass

    def cut(self):
        self.end(*self.open)

    def close(self):
        self.listener.close()
        self.cut()


def disturbed(case, check, name, do, undo=lambda: None):
    """A session to which something is done: either both sides say that it is over, or the links are made anew and all answers are right. Then the next
    query is answered."""
    client, before, began = case.session(QUERIES), len(case.trial.log()), time.monotonic()
    do()
    still = stands_still(case, client)
    took = time.monotonic() - began
    if still:
        kill(client)
    _, err = client.communicate()
    right, words = client.returncode == 1 and err.strip(), err.strip()
    if still:
        right, words = False, f"nothing happened for {still:.0f} s"
    elif client.returncode == 0:
        off = case.answers_off()
        right, words = off < 1e-2, f"it went on, answers are off by at most {off:.1e}"
    check(f"{name}, client", right, f"exit {client.returncode} after {took:.0f} s: {words}")
    undo()
    over(case, check, name, before, client.returncode != 0)


def stands_still(case, client):
    """Waits for a client to end. Seconds for which nothing happened at its server, where that is longer than all limits of both sides together."""
    seen, since = None, time.monotonic()
    while client.poll() is None:
        now = (case.trial.state(), len(case.trial.log()))
        if now != seen:
            seen, since = now, time.monotonic()
        if (still := time.monotonic() - since) > case.limit(6 * case.timeout):
            return still
        time.sleep(STEP_S)
    return 0.0


def kill(client):
    """Ends a client and all that it has started."""
    for pid in common.family(client.pid):
        os.kill(pid, 9)


def over(case, check, name, before, ended=True):
    """The server says that a session ended, where it did, and serves the next."""
    try:
        case.trial.wait_until("waiting", case.limit(2 * case.timeout))
    except SystemExit as err:
        check(f"{name}, server", False, err)
        return
    said = case.trial.log()[before:]
    check(f"{name}, server", not ended or "session ended" in said, " | ".join(line.split(" ", 1)[-1] for line in said.splitlines() if " query " not in line))
    case.answered(name)


def babble(case, check, name, what):
    """A client that is let in and asks two honest queries, then sends something else."""
    trial, before = case.trial, len(case.trial.log())
    folder, began = trial.folders["client"], time.monotonic()
    words = trial.command([case.many(1000)])
    options = words[words.index("query") + 2:]
    code = (f"import sys; sys.path[:0] = [{str(folder / 'client')!r}, {str(folder / 'public')!r}]; import workers; workers.START = {BABBLE.format(what=what)!r};"
            "import service, query; sys.exit(service.told('query.py', lambda: query.main(sys.argv[1:])))")
    client = subprocess.Popen([sys.executable, "-B", "-c", code, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _, err = client.communicate(timeout=case.limit(4 * case.timeout))
    except subprocess.TimeoutExpired:
        kill(client)
        _, err = client.communicate()
    check(f"{name}: two queries were answered before", trial.log()[before:].count(": query ") >= 2, f"{time.monotonic() - began:.0f} s; {err.strip()}")
    over(case, check, name, before)


def sweep(case, check):
    """All cases; the trial's parties see each other through `case.between`."""
    draw = random.Random(5)
    to_server, to_client = case.between
    for name, both in (("garbage in the links to the server", [to_server]), ("garbage in the links to the client", [to_client]), ("garbage in all links", case.between)):
        disturbed(case, check, name, lambda both=both: [b.spoil(draw.randbytes(2000)) for b in both])
    disturbed(case, check, "one byte in all links", lambda: [b.spoil(b"\0") for b in case.between])
    disturbed(case, check, "the links to the server are cut", to_server.cut)
    disturbed(case, check, "the links to the client are cut", to_client.cut)

    def quiet(on):
        for b in case.between:
            b.silent.set() if on else b.silent.clear()

    disturbed(case, check, "the links fall silent", lambda: quiet(True), lambda: quiet(False))
    for name, what in BABBLERS.items():
        babble(case, check, name, what)
