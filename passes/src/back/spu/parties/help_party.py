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
    service.add_session_options(parser)
    parser.add_argument("--listen", required=True, metavar="HOST:PORT", help="this side's address for the first client")
    parser.add_argument("--server", required=True, metavar="HOST:PORT", help="the server's address for the first client")
    parser.add_argument("--peer", required=True, action="append", metavar="HOST:PORT", help="a client's address; may be repeated")
    parser.add_argument("--health", metavar="HOST:PORT", help="answer GET /health there")
    return parser.parse_args(argv)


def jobs(options, manifest):
    """A name and a job for each client."""
    base = service.base_job(options, manifest, HELPER)
    if base["parties"] != 3:
        raise run.UsageError(f"{options.protocol} has {base['parties']} parties and needs no third one")
    out = []
    for i, peer in enumerate(options.peer):
        service.port_of(peer, "--peer")
        addresses = [service.next_port(options.server, i, "--server"), peer, service.next_port(options.listen, i, "--listen")]
        out.append((f"client {peer}", base | {"addresses": addresses, "patience": 10**6}))
    service.check_ports(job["addresses"][HELPER] for _, job in out)
    return out


def main(argv):
    """Entry point; returns the exit code."""
    options = parse(argv)
    log = service.logger()
    try:
        made = jobs(options, run.load_manifest())
        log(f"spu {options.protocol}: {service.trust(made[0][1])}")
        return service.serve(made, HERE, log, options, lambda: True)
    except run.UsageError as err:
        print(f"help_party.py: {err}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
