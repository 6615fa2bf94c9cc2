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
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # nothing is left in the folders
sys.path.insert(0, str(HERE.parent / "public"))

import run  # noqa: E402
import service  # noqa: E402
from images import load  # noqa: E402
from session import CLIENT  # noqa: E402

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
        service.port_of(address, option)
    service.check_ports([options.listen])
    return base | {"addresses": addresses, "patience": options.patience, "n": count}


def feed(child, images):
    """Gives the worker its images, by its input and by no file."""
    data = io.BytesIO()
    np.save(data, images, allow_pickle=False)

    def give():
        try:
            child.stdin.write(data.getvalue())
            child.stdin.close()
        except OSError:
            pass

    threading.Thread(target=give, daemon=True).start()


def ask(job, images):
    """Runs the session; outputs [N, classes], and what each query took."""
    child = service.start_worker(job, HERE)
    feed(child, images)
    outputs, queries, total, failed = [], [], {}, None
    expired = threading.Event()
    # SPU's own limits do not hold where TLS fails.
    alone = threading.Timer(job["patience"] + MARGIN_S, lambda: (expired.set(), child.kill()))
    try:
        for event in service.events(child):
            kind = event["event"]
            if kind == "ready":
                alone.start()
            elif kind == "connected":
                alone.cancel()
            elif kind == "total":
                total = {key: event[key] for key in ("sent_bytes", "recv_bytes", "send_actions", "recv_actions")}
            elif kind == "computed":
                queries.append(total | {"seconds": event["seconds"]})
            elif kind == "outputs":
                outputs += event["outputs"]
            elif kind == "failed":
                failed = event
    finally:
        alone.cancel()
        if child.poll() is None:
            child.kill()
        code = child.wait()
    if expired.is_set():
        raise run.RunError(
            f"no link within {job['patience']:g} s: the server is not there, a port is closed on one of the two sides, "
            "or one does not accept the other's certificate"
        )
    if failed:
        raise (run.UsageError if failed["usage"] else run.RunError)(failed["why"])
    if len(outputs) < len(images):
        raise run.RunError(f"the runtime {run.how_it_ended(code)} before all was answered")
    return np.array(outputs[: len(images)]), queries


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
        print(f"query {i}: {q['seconds']:.2f} s" + service.counted(q if "sent_bytes" in q else {}), file=sys.stderr)


def main(argv):
    """Entry point; returns the exit code."""
    options = parse(argv)
    try:
        manifest = run.load_manifest()
        names, images = load(options.input, manifest, options.normalize, options.resize)
        job = make_job(options, manifest, len(images))
        if not options.json:
            print(f"spu {job['protocol']}: {service.trust(job)}", file=sys.stderr)
        outputs, queries = ask(job, images)
    except run.UsageError as err:
        print(f"query.py: {err}", file=sys.stderr)
        return 2
    except run.RunError as err:
        print(f"query.py: {err}", file=sys.stderr)
        return 1
    classes = manifest.get("classes")
    doc = document(job, names, outputs, queries, classes)
    if options.json:
        print(json.dumps(doc))
    else:
        print_table(doc, options.top, classes)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
