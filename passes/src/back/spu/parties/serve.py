#!/usr/bin/env python3
"""The server's side: holds the weights, answers queries of its clients, sees none of their images.

Needs this folder (server/, with the weights) and public/ beside it, numpy and SPU (pip install spu==0.9.5).

    serve.py --protocol cheetah --listen HOST:PORT --peer CLIENT:PORT --tls DIR

Each --peer is a client and has a port of its own: the first one --listen's, the next one the port after it, and so on.
Under aby3 the third party is named by --helper, with ports counted in the same way.

Exit codes: 0 ended by TERM or Ctrl-C, 2 bad usage or missing files.
"""

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # nothing is left in the folders
sys.path.insert(0, str(HERE.parent / "public"))

import run  # noqa: E402
import service  # noqa: E402
from session import SERVER  # noqa: E402


def parse(argv):
    """The command line."""
    parser = argparse.ArgumentParser(prog="serve.py", description="Answer queries about images that this side does not see.")
    service.add_service_options(parser)
    parser.add_argument("--helper", metavar="HOST:PORT", help="aby3: the third party's address for the first client")
    parser.add_argument("--max-queries", type=run.positive(int), metavar="N", help="queries that a client may ask at most, until this ends")
    parser.add_argument("--report", metavar="FILE", type=Path, help="report.json, whose prediction stands in the log (default: that of the compilation)")
    return parser.parse_args(argv)


def predicted(given, job):
    """Bytes that the report predicts this side to send in a session's first query and in a later one; none where it says nothing."""
    path = given or HERE.parents[1] / "report.json"
    if not given and not path.is_file():
        return None
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["cost"]
        for entry in entries:
            if entry["protocol"] == f"spu-{job['protocol']}" and entry["weights"] == job["weights"] and entry["complete"]:
                return int(entry["online_bytes"]), int((entry.get("later") or entry)["online_bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        raise run.UsageError(f"{path} is no report.json of relinc; name one with --report") from None
    return None


def main(argv):
    """Entry point; returns the exit code."""
    options = parse(argv)
    parties = service.settle_protocol(options, run.load_manifest(), SERVER)
    if (parties == 3) != bool(options.helper):
        raise run.UsageError(f"{options.protocol} has {parties} parties: --helper HOST:PORT is for three")

    def addresses(i, peer):
        third = [service.next_port(options.helper, i, "--helper")] if options.helper else []
        return [service.next_port(options.listen, i, "--listen"), peer, *third]

    return service.stay(options, SERVER, HERE, addresses, options.max_queries, lambda job: predicted(options.report, job))


if __name__ == "__main__":
    sys.exit(service.told("serve.py", lambda: main(sys.argv[1:])))
