"""A TCP proxy that makes loopback as slow as a network: a one-way delay, and a cap on bandwidth in each direction.

usage: proxy.py HOST:PORT HOST:PORT [--delay-ms D] [--mbit B]
       proxy.py --self-test

Stands between two parties. It prints {"proxies": [P, Q]}: who connects to port P reaches the first address, over Q the
second. So the first party is told that the second is at 127.0.0.1:Q, and the other way round; both listen on their own
ports. Ends on SIGTERM or SIGINT.

A chunk leaves when the wire is free and its bits are out, max(now, last chunk out) + size / bandwidth, and arrives the
delay later. Chunks in flight wait in a queue, so the delay does not limit the bandwidth. All connections in one
direction share its wire, acknowledgements of the other direction's messages too.
"""

import argparse
import json
import queue
import signal
import socket
import statistics
import sys
import threading
import time

CHUNK = 1 << 16
HOST = "127.0.0.1"


class Wire:
    """One direction of a link: delay in seconds, rate in bits a second (None: unlimited)."""

    def __init__(self, delay, rate=None):
        self.delay, self.rate = delay, rate
        self.bytes = 0
        self._free = 0.0
        self._lock = threading.Lock()

    def arrival(self, size):
        """When a chunk of `size` bytes that is handed over now arrives, on time.monotonic()'s clock."""
        with self._lock:
            self.bytes += size
            sending = size * 8 / self.rate if self.rate else 0.0
            self._free = max(time.monotonic(), self._free) + sending
            return self._free + self.delay


def in_background(task, *args):
    threading.Thread(target=task, args=args, daemon=True).start()


def take_in(source, wire, flight):
    """Reads at once whatever comes and notes when it is due; None ends the flight."""
    try:
        while data := source.recv(CHUNK):
            flight.put((wire.arrival(len(data)), data))
    except OSError:
        pass
    flight.put((wire.arrival(0), None))


def give_out(target, flight):
    """Hands every chunk on when it is due."""
    try:
        while True:
            due, data = flight.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if data is None:
                return target.shutdown(socket.SHUT_WR)
            target.sendall(data)
    except OSError:
        target.close()


def forward(source, target, wire):
    flight = queue.SimpleQueue()
    in_background(take_in, source, wire, flight)
    in_background(give_out, target, flight)


def listen(address, there, back):
    """Opens a port that leads to `address` over the wires `there` and `back`; returns its number."""
    server = socket.create_server((HOST, 0))

    def accept():
        while True:
            client, _ = server.accept()
            try:
                target = socket.create_connection(address, timeout=10)
            except OSError:  # not listening yet: the caller tries again
                client.close()
                continue
            target.settimeout(None)
            for side in (client, target):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            forward(client, target, there)
            forward(target, client, back)

    in_background(accept)
    return server.getsockname()[1]


def between(first, second, delay, rate=None):
    """Proxies of two parties at (host, port) each: the ports that lead to the first and to the second."""
    to_first, to_second = Wire(delay, rate), Wire(delay, rate)
    return listen(first, to_first, to_second), listen(second, to_second, to_first)


# ---------------------------------------------------------------- checks of the proxy itself


def read(side, size):
    while size:
        got = len(side.recv(min(size, CHUNK)))
        if not got:
            raise EOFError("the connection ended early")
        size -= got


def pair(delay, rate=None):
    """Two ends of a connection through a proxy."""
    with socket.create_server((HOST, 0)) as server:
        port = listen(server.getsockname(), Wire(delay, rate), Wire(delay, rate))
        near = socket.create_connection((HOST, port))
        far, _ = server.accept()
    for side in (near, far):
        side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        side.settimeout(60)
    return near, far


def ping(delay, times=15):
    """Round trips of one byte, in seconds."""
    near, far = pair(delay)
    trips = []
    for _ in range(times):
        start = time.monotonic()
        near.sendall(b"x")
        read(far, 1)
        far.sendall(b"x")
        read(near, 1)
        trips.append(time.monotonic() - start)
    return trips


def transfer(delay, rate, size, both=False):
    """Seconds until `size` bytes are there, with as many going the other way at the same time if `both`."""
    near, far = pair(delay, rate)
    start = time.monotonic()
    in_background(near.sendall, bytes(size))
    if both:
        in_background(far.sendall, bytes(size))
        read(near, size)
    read(far, size)
    return time.monotonic() - start


def self_test():
    """Lower bounds hold always; upper bounds for the best of several tries, as other jobs may run beside."""
    trips = ping(0.02)
    one_way = [transfer(0.02, 1e8, 2_000_000) for _ in range(3)]
    duplex = [transfer(0.02, 1e8, 2_000_000, both=True) for _ in range(3)]
    long = [transfer(0.2, None, 16_000_000) for _ in range(3)]
    checks = [
        ("round trip at 20 ms one way", trips, 0.04, 0.044),
        ("2 MB at 100 Mbit/s and 20 ms", one_way, 0.18, 0.21),
        ("the same in both directions at once", duplex, 0.18, 0.22),
        ("16 MB uncapped at 200 ms", long, 0.2, 0.6),
    ]
    failed = [name for name, got, low, high in checks if not low <= min(got) <= high]
    measured = [
        {"check": name, "ideal_s": low, "best_s": min(got), "median_s": statistics.median(got)}
        for name, got, low, _ in checks
    ]
    print(json.dumps({"measured": measured, "failed": failed}, indent=1))
    return 1 if failed else 0


def address(text):
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is not HOST:PORT")
    return host, int(port)


def main():
    parser = argparse.ArgumentParser(description="Delays and caps the TCP link between two parties.")
    parser.add_argument("parties", nargs="*", type=address, metavar="HOST:PORT", help="where the two parties listen")
    parser.add_argument("--delay-ms", type=float, default=20.0, help="one way, in milliseconds (default 20)")
    parser.add_argument("--mbit", type=float, help="bandwidth of each direction, in Mbit/s (default: no cap)")
    parser.add_argument("--self-test", action="store_true", help="check the proxy's delay and bandwidth and end")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    if len(options.parties) != 2:
        parser.error("give the addresses of two parties, or --self-test")
    if options.delay_ms < 0 or (options.mbit is not None and options.mbit <= 0):
        parser.error("--delay-ms must not be negative, --mbit must be positive")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    rate = options.mbit * 1e6 if options.mbit else None
    print(json.dumps({"proxies": between(*options.parties, options.delay_ms / 1000, rate)}), flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
