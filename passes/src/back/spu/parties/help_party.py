#!/usr/bin/env python3
"""The third party of a protocol with three: it helps to compute and sees neither weights nor images.

Needs this folder (helper/) and public/ beside it, numpy and SPU (pip install spu==0.9.5).

    help_party.py --protocol aby3 --listen HOST:PORT --server HOST:PORT --peer CLIENT:PORT --tls DIR

Clients are named by --peer in the same order as at the server; each has a port of its own, as there.

Exit codes: 0 ended by TERM or Ctrl-C, 2 bad usage or missing files.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # nothing is left in the folders
sys.path.insert(0, str(HERE.parent / "public"))

import run  # noqa: E402
import service  # noqa: E402
from session import HELPER  # noqa: E402


def parse(argv):
    """The command line."""
    parser = argparse.ArgumentParser(prog="help_party.py", description="Help two parties to compute, without seeing anything of it.")
    service.add_service_options(parser)
    parser.add_argument("--server", required=True, metavar="HOST:PORT", help="the server's address for the first client")
    return parser.parse_args(argv)


def main(argv):
    """Entry point; returns the exit code."""
    options = parse(argv)
    if service.settle_protocol(options, run.load_manifest(), HELPER) != 3:
        raise run.UsageError(f"{options.protocol} has two parties and needs no third one")

    def addresses(i, peer):
        return [service.next_port(options.server, i, "--server"), peer, service.next_port(options.listen, i, "--listen")]

    return service.stay(options, HELPER, HERE, addresses)


if __name__ == "__main__":
    sys.exit(service.told("help_party.py", lambda: main(sys.argv[1:])))
