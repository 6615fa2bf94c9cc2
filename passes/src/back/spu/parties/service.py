"""Serving: a worker process for each client, its log, signals, and whether all is well.

A worker holds one session.  When it ends, whatever the reason, the next one waits for the same client; so a peer that
stops, is killed or talks nonsense costs its own session only.  Lines of the log hold sizes and times, no numbers of anybody.
"""

import hashlib
import http.server
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import run
from session import MARK

PUBLIC = Path(__file__).resolve().parent
TOTAL = run.TOTAL
RESTART_S = 1.0  # between two sessions of a client
LAST_S = 5.0  # for workers to end


def port_of(address, option):
    """HOST and PORT of an address."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise run.UsageError(f"{option} {address}: must be HOST:PORT")
    return host, int(port)


def next_port(address, index, option):
    """The address with its port moved on: clients have ports one after the other."""
    host, port = port_of(address, option)
    return f"{host}:{port + index}"


def add_session_options(parser):
    """Options that all three runners have."""
    parser.add_argument("--protocol", required=True, choices=sorted(run.PARTIES), type=lambda name: name.removeprefix("spu-"))
    parser.add_argument("--tls", metavar="DIR", help="this party's cert.pem and key.pem, and ca.pem, who signs those of the others")
    parser.add_argument("--insecure-link", action="store_true", help="no TLS: anybody on the way can read and pretend; for trials on one machine")
    parser.add_argument("--dealer", metavar="HOST:PORT", help="semi2k: who deals the triples (relinc dealer)")
    parser.add_argument("--dealer-key", metavar="PUB.pem", help="the dealer's public key")
    parser.add_argument("--insecure-dealer", action="store_true",
                        help="semi2k without a dealer: the server deals the triples itself, and could read the image")
    parser.add_argument("--timeout", type=run.positive(float), default=120.0, metavar="S",
                        help="seconds to wait for anything from another party (default 120)")


def base_job(options, manifest, rank):
    """The job of a session, but for addresses and limits; a UsageError where it cannot be."""
    protocol = options.protocol
    planned = sorted({p for program in manifest.get("programs", []) for p in program["protocols"]})
    if protocol not in planned:
        raise run.UsageError(
            f"this artefact was planned for {', '.join(planned)}, not for {protocol}: "
            f"relinc compile MODEL.onnx -o DIR --target spu --protocol spu-{protocol}"
        )
    if protocol == "semi2k" and not options.dealer and not options.insecure_dealer:
        raise run.UsageError(
            "semi2k needs a dealer that all parties trust not to collude: --dealer HOST:PORT --dealer-key PUB.pem "
            "(relinc dealer); with --insecure-dealer the server deals the triples itself and could read the image"
        )
    if protocol != "semi2k" and options.insecure_dealer:
        raise run.UsageError(f"{protocol} has no dealer; leave out --insecure-dealer")
    if options.dealer and options.insecure_dealer:
        raise run.UsageError("--dealer and --insecure-dealer exclude each other")
    if not options.tls and not options.insecure_link:
        raise run.UsageError(
            "--tls DIR is needed (relinc certificates -o DIR makes folders for trials); "
            "--insecure-link goes without, for trials on one machine"
        )
    for name in ("cert.pem", "key.pem", "ca.pem") if options.tls else ():
        if not (Path(options.tls) / name).is_file():
            raise run.UsageError(f"{Path(options.tls) / name} is missing; `relinc certificates -o DIR` makes such folders")
    check_files(manifest)
    field, weights = manifest["ring"], manifest["weights_setting"]
    parties = run.PARTIES[protocol][0]
    options.dealer_tls = options.tls if options.dealer else None
    found = manifest.get("bounded_truncation") if protocol == "semi2k" and field == 64 else None
    job = {
        "protocol": protocol, "parties": parties, "rank": rank, "field": field,
        "weights": "server" if protocol == "cheetah" and weights == "secret" else weights,
        "program": run.choose_program(manifest, protocol), "batch": manifest.get("query_batch", 1),
        "fraction": found["fraction"] if found else manifest.get("fraction", 0),
        "truncation": "bounded" if found else "safe",
        "dealer": run.dealer_config(options, protocol), "all_parties": False,
        "timeout": options.timeout, "tls": options.tls and str(Path(options.tls).resolve()),
    }
    run.check_narrow(job, run.load_program(job))
    return job


def check_files(manifest):
    """The public files are those that were written together."""
    for name, digest in manifest.get("files", {}).items():
        file = PUBLIC / name
        if not file.is_file():
            raise run.UsageError(f"{file} is missing; take the whole folder public/ that `relinc compile` wrote")
        if hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            raise run.UsageError(f"{file} is not the one that manifest.json was written for; take public/ anew from `relinc compile`")


def trust(job):
    """Who must be trusted, for the first line."""
    if job["protocol"] == "semi2k" and not job["dealer"]:
        return "NOT PRIVATE: the server deals the triples itself and could read the image. " + run.TRUST["semi2k"]
    return run.trust(job)


def start_worker(job, folder):
    """A worker process that has got its job; its input stays open."""
    child = subprocess.Popen(
        [sys.executable, "-B", "-c", "import sys; sys.path.insert(0, sys.argv[1]); import session; session.worker(sys.argv[2])",
         str(PUBLIC), str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    child.stdin.write(json.dumps(job).encode() + b"\n")
    child.stdin.flush()
    return child


def events(child):
    """What a worker says: its own events, and as ("total", …) what SPU counted of a query."""
    for line in child.stdout:
        text = line.decode(errors="replace").rstrip("\n")
        if text.startswith(MARK):
            yield json.loads(text[len(MARK):])
        elif found := TOTAL.search(text):
            keys = ("sent_bytes", "recv_bytes", "send_actions", "recv_actions")
            yield {"event": "total"} | dict(zip(keys, map(int, found.groups())))


class Client:
    """One client's place: the worker that is there for it, and what became of its queries."""

    def __init__(self, name, job, folder, log, allowed, predicted):
        self.name, self.job, self.folder, self.log, self.allowed = name, job, folder, log, allowed
        self.predicted = predicted
        self.state, self.queries, self.child, self.ending, self.again = "starting", 0, None, False, False
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.live, daemon=True)

    def live(self):
        """Session after session."""
        while not self.ending:
            self.again = False
            left = None if self.allowed is None else max(0, self.allowed - self.queries)
            with self.lock:
                if self.ending:
                    return
                try:
                    self.child = start_worker(self.job | {"allowed": left}, self.folder)
                except OSError as err:
                    self.log(f"{self.name}: no worker: {err}")
            if self.child:
                self.follow()
                self.child.stdin.close()
                self.child.wait()
            self.state = "starting"
            if not self.ending:
                time.sleep(RESTART_S)

    def follow(self):
        """Says what a worker says."""
        total, ended = {}, False
        for event in events(self.child):
            kind = event["event"]
            ended = ended or kind in ("left", "failed")
            if kind == "ready":
                self.state = "waiting"
                self.log(f"{self.name}: waiting at {self.job['addresses'][self.job['rank']]}")
            elif kind in ("connected", "serving"):
                self.state = kind
                self.log(f"{self.name}: {kind}")
            elif kind == "total":
                total = event
            elif kind == "computed":
                self.queries += 1
                said = f" (predicted: sent {self.predicted[event['number'] > 0]:,} B)" if self.predicted else ""
                self.log(f"{self.name}: query {self.queries}{counted(total)}{said}, {event['seconds']:.2f} s")
            elif kind == "left":
                self.log(f"{self.name}: left")
            elif kind == "failed" and not (self.ending or self.again):
                waiting = self.state == "waiting" and "no link" in event["why"]
                if not waiting or "in use" in event["why"]:
                    self.log(f"{self.name}: session ended: {event['why']}")
        if not (ended or self.ending or self.again):
            self.log(f"{self.name}: session ended: its worker died (exit code {self.child.wait()})")

    def stop(self):
        """Ends the worker, and begins no other."""
        with self.lock:
            self.ending = True
            if self.child and self.child.poll() is None:
                self.child.terminate()

    def renew(self):
        """Lets a worker that waits for its client begin anew; one that serves ends first."""
        with self.lock:
            if self.state == "waiting" and self.child and self.child.poll() is None:
                self.again = True
                self.child.terminate()


def counted(total):
    """What SPU counted of a query, in words."""
    if not total:
        return ""
    return f": sent {total['sent_bytes']:,} B, received {total['recv_bytes']:,} B in {total['send_actions']} actions"


def logger():
    """Lines with the time, one at a time."""
    lock = threading.Lock()

    def log(words):
        with lock:
            print(time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime()) + words, file=sys.stderr, flush=True)

    return log


def health_server(address, clients):
    """Answers GET /health: 200 while every client has a worker."""
    host, port = port_of(address, "--health")

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self):
            well = all(c.child and c.child.poll() is None for c in clients)
            body = json.dumps([{"client": c.name, "state": c.state, "queries": c.queries} for c in clients]).encode()
            found = self.path == "/health"
            self.send_response((200 if well else 503) if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body) if found else 0))
            self.end_headers()
            if found:
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    try:
        server = http.server.ThreadingHTTPServer((host, port), Handler)
    except OSError as err:
        raise run.UsageError(f"--health {address}: {err.strerror}; take another port, or end who has it") from None
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()


def check_ports(addresses):
    """Ports that somebody else has are found at once."""
    for address in addresses:
        host, port = port_of(address, "--listen")
        try:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host.strip("[]"), port))
        except OSError as err:
            raise run.UsageError(f"--listen {address}: {err.strerror}; take another port, or end who has it") from None


def serve(jobs, folder, log, options, reload, allowed=None, predicted=None):
    """Serves clients, each with its job, until TERM or Ctrl-C; `reload` is called at HUP and says whether all is well.

    `predicted`: bytes that this side sends in a session's first query, and in a later one.
    """
    clients = [Client(name, job, folder, log, allowed, predicted) for name, job in jobs]
    if options.health:
        health_server(options.health, clients)
    wake, asked = threading.Event(), []

    def on_signal(number, _):
        asked.append(number)
        wake.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)
    for client in clients:
        client.thread.start()
    while True:
        wake.wait()
        wake.clear()
        if signal.SIGTERM in asked or signal.SIGINT in asked:
            break
        asked.clear()
        if reload():
            log("reading everything anew; sessions that serve go on as they are")
            for client in clients:
                client.renew()
    log("ending")
    for client in clients:
        client.stop()
    end = time.monotonic() + LAST_S
    for client in clients:
        client.thread.join(max(0.0, end - time.monotonic()))
        if client.child and client.child.poll() is None:
            client.child.kill()
    return 0
