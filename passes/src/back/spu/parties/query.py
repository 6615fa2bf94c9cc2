#!/usr/bin/env python3
"""The client's side: asks a server about images, which the server does not see, and alone gets the answer.

Needs this folder (client/) and public/ beside it, numpy and SPU (pip install spu==0.9.5); for PNG and JPEG also Pillow.

    query.py --protocol cheetah --listen HOST:PORT --peer SERVER:PORT --tls DIR --input FILE...

An input is a .npy array [N, C, H, W] as the network takes it, a PNG or JPEG file, or a folder of them.

Exit codes: 0 answered, 1 the other side did not answer, or not as agreed, 2 bad usage or bad input.
"""

import argparse
import io
import json
import secrets
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # nothing is left in the folders
sys.path.insert(0, str(HERE.parent / "public"))

import places  # noqa: E402
import run  # noqa: E402
import service  # noqa: E402
import workers  # noqa: E402
from images import load  # noqa: E402
from meeting import WORD, call, port_of  # noqa: E402
from session import CLIENT, LINK_S, ROLES  # noqa: E402

import numpy as np  # noqa: E402

MARGIN_S = 5.0


def parse(argv):
    """The command line."""
    parser = argparse.ArgumentParser(prog="query.py", description="Ask a server about images that it does not see.")
    service.add_session_options(parser)
    parser.add_argument("--listen", required=True, metavar="HOST:PORT", help="this side's address")
    parser.add_argument("--peer", required=True, metavar="HOST:PORT", help="the server's address")
    parser.add_argument("--helper", metavar="HOST:PORT", help="aby3: the third party's address")
    parser.add_argument("--input", required=True, nargs="+", metavar="FILE", help=".npy, PNG or JPEG files, or folders of them")
    parser.add_argument("--normalize", metavar="MEAN/STD",
                        help="for PNG and JPEG, of values from 0 to 1: three numbers each, 0.485,0.456,0.406/0.229,0.224,0.225 say (default: the manifest's)")
    parser.add_argument("--resize", action="store_true", help="bring PNG and JPEG files to the network's size")
    parser.add_argument("--patience", type=run.positive(float), default=60.0, metavar="S", help="seconds to wait for the server to be there (default 60)")
    parser.add_argument("--top", type=run.positive(int), default=3, metavar="K", help="classes to print (default 3)")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    return parser.parse_args(argv)


def make_job(options, manifest, count):
    """The job of the session."""
    base = service.base_job(options, manifest, CLIENT)
    if (base["parties"] == 3) != bool(options.helper):
        raise run.UsageError(f"{options.protocol} has {base['parties']} parties: --helper HOST:PORT is for three")
    addresses = [options.peer, options.listen] + ([options.helper] if options.helper else [])
    for option, address in zip(("--peer", "--listen", "--helper"), addresses):
        port_of(address, option)
    service.check_ports([options.listen])
    return base | {"addresses": addresses, "n": count}


def feed(worker, images):
    """Gives the worker its images, by its input and by no file."""
    data = io.BytesIO()
    np.save(data, images, allow_pickle=False)

    def give():
        try:
            worker.stdin.write(data.getvalue())
            worker.stdin.close()
        except OSError:
            pass

    threading.Thread(target=give, daemon=True).start()


def ask(job, images, patience):
    """Runs the session; outputs [N, classes], and what each query took."""
    pool = workers.Pool(job, HERE)
    try:
        word = secrets.token_hex(WORD // 2)
        others = {ROLES[rank]: job["addresses"][rank] for rank in range(job["parties"]) if rank != CLIENT}
        connections = call(others, job["tls"], pool.greeting, word, patience)
        try:
            worker = pool.start(job | {"session": word})
            feed(worker, images)
            return follow(worker, connections, job, len(images))
        finally:
            for connection in connections:
                connection.close()
    except OSError as err:
        raise run.RunError(str(err)) from None
    finally:
        pool.close()


def follow(worker, connections, job, count):
    """What a worker says until it ends."""
    outputs, queries, total, failed, serving = [], [], {}, None, False
    gone = []

    def left(who):
        gone.append(who)
        late = threading.Timer(MARGIN_S, worker.end)
        late.daemon = True
        late.start()

    for connection in connections:
        connection.when_over(lambda who=connection.who: left(who))
    # SPU's own limits do not hold where TLS fails.
    alone = threading.Timer(LINK_S, worker.end)
    alone.daemon = True
    alone.start()
    for event in places.events(worker.stdout):
        kind = event["event"]
        if kind == "connected":
            alone.cancel()
        elif kind == "serving":
            serving = True
        elif kind == "total":
            total = {key: event[key] for key in ("sent_bytes", "recv_bytes", "send_actions", "recv_actions")}
        elif kind == "computed":
            queries.append(total | {"seconds": event["seconds"]})
        elif kind == "outputs":
            outputs += event["outputs"]
        elif kind == "failed":
            failed = event
    linked = alone.finished.is_set() and serving
    alone.cancel()
    code = worker.wait()
    if len(outputs) >= count:
        return np.array(outputs[:count]), queries
    if failed:
        also = f" (the {gone[0]} has left)" if gone else ""
        raise (run.UsageError if failed["usage"] else run.RunError)(failed["why"] + also)
    if gone:
        raise run.RunError(f"the {gone[0]} ended the session, or died, before all was answered")
    if not linked:
        raise run.RunError(
            f"no link within {LINK_S:g} s, though all have met: can the others reach {job['addresses'][CLIENT]}?"
        )
    # SPU ends a process whose messages nobody takes.
    raise run.RunError(f"the runtime {run.how_it_ended(code)} before all was answered; has another party stopped?")


def document(job, names, outputs, queries, classes):
    """What is printed as JSON."""
    def named(c):
        return classes[c] if classes and c < len(classes) else None

    best = [int(np.argmax(row)) for row in outputs]
    return {
        "runtime": "spu", "protocol": job["protocol"], "trust": service.trust(job), "parties": job["parties"],
        "images": [
            {"name": name, "class": c, "class_name": named(c), "scores": row.tolist()}
            for name, c, row in zip(names, best, outputs)
        ],
        "queries": queries,
    }


def print_table(doc, top, classes):
    """The same for people."""
    for image in doc["images"]:
        order = np.argsort(image["scores"])[::-1][:top]
        said = ", ".join(f"{classes[c] if classes and c < len(classes) else f'class {c}'} {image['scores'][c]:.4f}" for c in order)
        print(f"{image['name']}: {said}")
    for i, q in enumerate(doc["queries"]):
        print(f"query {i}: {q['seconds']:.3f} s" + places.counted(q if "sent_bytes" in q else {}), file=sys.stderr)


def main(argv):
    """Entry point; returns the exit code."""
    options = parse(argv)
    manifest = run.load_manifest()
    names, images = load(options.input, manifest, options.normalize, options.resize)
    job = make_job(options, manifest, len(images))
    if not options.json:
        print(f"spu {job['protocol']}: {service.trust(job)}", file=sys.stderr)
    outputs, queries = ask(job, images, options.patience)
    classes = manifest.get("classes")
    doc = document(job, names, outputs, queries, classes)
    if options.json:
        print(json.dumps(doc))
    else:
        print_table(doc, options.top, classes)
    return 0


if __name__ == "__main__":
    sys.exit(service.told("query.py", lambda: main(sys.argv[1:])))
