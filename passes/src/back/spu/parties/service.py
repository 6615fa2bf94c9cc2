"""What the runners have in common: options and their checks; and for those that stay log, signals, and whether all is well."""

import hashlib
import http.server
import json
import signal
import sys
import threading
import time
from pathlib import Path

import run
from meeting import Door, port_of
from places import AGAIN_S, LAST_S, Place, Service
from session import HELPER

PUBLIC = Path(__file__).resolve().parent


def next_port(address, index, option):
    """The address with its port moved on: clients have ports one after the other."""
    port_of(address, option)
    host, _, port = address.rpartition(":")
    return f"{host}:{int(port) + index}"


def add_session_options(parser):
    """Options that all three runners have."""
    parser.add_argument("--protocol", choices=list(run.PARTIES), type=lambda name: name.removeprefix("spu-"),
                        help="default: of what the artefact was planned for semi2k where a dealer is named, aby3 with a helper, else cheetah, aby3, semi2k")
    parser.add_argument("--tls", metavar="DIR", help="this party's cert.pem and key.pem, and ca.pem, who signs those of the others")
    parser.add_argument("--insecure-link", action="store_true", help="no TLS: anybody on the way can read and pretend; for trials on one machine")
    parser.add_argument("--dealer", metavar="HOST:PORT", help="semi2k: who deals the triples (relinc dealer)")
    parser.add_argument("--dealer-key", metavar="PUB.pem", help="the dealer's public key")
    parser.add_argument("--insecure-dealer", action="store_true",
                        help="semi2k without a dealer: the server deals the triples itself, and could read the image")
    parser.add_argument("--timeout", type=run.positive(float), default=120.0, metavar="S",
                        help="seconds to wait for anything from another party (default 120)")


def planned_for(manifest):
    """The protocols that the artefact was planned for, those first that are private as SPU comes."""
    return [p for p in run.PARTIES if any(p in program["protocols"] for program in manifest.get("programs", []))]


def settle_protocol(options, manifest, rank):
    """Sets the protocol where nobody named one: the other options tell, else it is the first that was planned for; returns how many parties it has."""
    if not options.protocol:
        planned = planned_for(manifest)
        if options.dealer or options.insecure_dealer:
            options.protocol = "semi2k"
        elif rank == HELPER or getattr(options, "helper", None):
            options.protocol = next(p for p, parties in run.PARTIES.items() if parties[0] == 3)
        else:
            options.protocol = (planned or list(run.PARTIES))[0]
    return run.PARTIES[options.protocol][0]


def base_job(options, manifest, rank):
    """The job of a session, but for addresses and limits; a UsageError where it cannot be."""
    settle_protocol(options, manifest, rank)
    protocol, planned = options.protocol, planned_for(manifest)
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


def logger():
    """Lines with the time, one at a time."""
    lock = threading.Lock()

    def log(words):
        with lock:
            print(time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime()) + words, file=sys.stderr, flush=True)

    return log


def health_server(address, service, places):
    """Answers GET /health: 200 while every client can come, or has its session."""
    host, port = port_of(address, "--health")

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self):
            well = service.pool.alive() and all(p.thread.is_alive() and p.state != "starting" for p in places)
            body = json.dumps([{"client": p.name, "state": p.state, "queries": p.queries} for p in places]).encode()
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
        Door(address, None, None).listener.close()


def add_service_options(parser):
    """Options that the runners have that stay: a server's and a helper's."""
    add_session_options(parser)
    parser.add_argument("--listen", required=True, metavar="HOST:PORT", help="this side's address for the first client")
    parser.add_argument("--peer", required=True, action="append", metavar="HOST:PORT", help="a client's address; may be repeated")
    parser.add_argument("--health", metavar="HOST:PORT", help="answer GET /health there")


def named_jobs(base, options, addresses):
    """A name and a job for each client; `addresses(i, peer)` are those of its session, by rank."""
    out = []
    for i, peer in enumerate(options.peer):
        port_of(peer, "--peer")
        out.append((f"client {peer}", base | {"addresses": addresses(i, peer)}))
    return out


def stay(options, rank, folder, addresses, allowed=None, predicted=lambda job: None):
    """Serves all clients of a command line until TERM or Ctrl-C, and loads everything anew at HUP; returns the exit code.

    `predicted(job)`: bytes that this side sends in a session's first query, and in a later one.
    """
    log, asked, wake = logger(), [], threading.Event()

    def on_signal(number, _):
        asked.append(number)
        wake.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)
    base = base_job(options, run.load_manifest(), rank)
    jobs = named_jobs(base, options, addresses)
    service = Service(base, folder, log, allowed, predicted(base))
    try:
        places = [Place(name, job, service) for name, job in jobs]
        log(f"spu {options.protocol}: {trust(base)}")
        if options.health:
            health_server(options.health, service, places)
        for place in places:
            place.thread.start()
        while not {signal.SIGTERM, signal.SIGINT} & set(asked):
            if signal.SIGHUP in asked:
                asked.remove(signal.SIGHUP)
                reload(service, places, options, rank, addresses)
            elif wake.wait(AGAIN_S):
                wake.clear()
            elif not service.pool.alive():
                log("the process that has program and weights died; loading them anew")
                reload(service, places, options, rank, addresses)
        log("ending")
        for place in places:
            place.stop()
        end = time.monotonic() + LAST_S
        for place in places:
            place.thread.join(max(0.0, end - time.monotonic()))
    finally:
        service.close()
    return 0


def reload(service, places, options, rank, addresses):
    """Reads manifest, program and weights anew, for sessions that begin from now on; what cannot be read changes nothing."""
    try:
        base = base_job(options, run.load_manifest(), rank)
        jobs = named_jobs(base, options, addresses)
        service.renew(base)
    except (run.UsageError, run.RunError) as err:
        service.log(f"not read anew: {err}")
        return
    for place, (_, job) in zip(places, jobs):
        place.job = job
    service.log("read everything anew; sessions that serve go on as they are")


def told(program, run_it):
    """The exit code of a runner, whose errors are told in one line."""
    try:
        return run_it()
    except run.UsageError as err:
        print(f"{program}: {err}", file=sys.stderr)
        return 2
    except run.RunError as err:
        print(f"{program}: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
