"""A place for each client of a service, and the process that has what their sessions need.

A place meets its client at the door, has a worker for the session, and opens the door again when that ends, whatever the
reason; so a peer that stops, is killed or talks nonsense costs its own session only.  Lines of the log hold sizes and times,
no numbers of anybody.
"""

import json
import signal
import threading
import time

import run
import workers
from meeting import Door
from session import LINK_S, MARK

AGAIN_S = 1.0  # before a port or a process that could not be had is tried again
LAST_S = 5.0  # for workers to end


def events(output):
    """What a worker says: its own events, and as ("total", …) what SPU counted of a query."""
    for line in output:
        text = line.decode(errors="replace").rstrip("\n")
        if text.startswith(MARK):
            yield json.loads(text[len(MARK):])
        elif found := run.TOTAL.search(text):
            keys = ("sent_bytes", "recv_bytes", "send_actions", "recv_actions")
            yield {"event": "total"} | dict(zip(keys, map(int, found.groups())))


class Place:
    """One client's place: its door, the worker of its session, and what became of its queries."""

    def __init__(self, name, job, service):
        self.name, self.job, self.service = name, job, service
        self.address = job["addresses"][job["rank"]]
        self.state, self.queries, self.ending = "starting", 0, False
        self.worker, self.door, self.lock = None, Door(self.address, job["tls"], self.say), threading.Lock()
        self.thread = threading.Thread(target=self.live, daemon=True)

    def say(self, words):
        """A line of the log."""
        self.service.log(f"{self.name}: {words}")

    def live(self):
        """Session after session."""
        said = None
        while not self.ending:
            try:
                self.session()
                said = None
            except (OSError, run.UsageError, run.RunError) as err:
                if str(err) != said:
                    self.say(f"{err}; trying again")
                said = str(err)
                time.sleep(AGAIN_S)
            self.state = "starting"

    def session(self):
        """Waits for the client, and stays with its session."""
        door, self.door = self.door or Door(self.address, self.job["tls"], self.say), None
        self.say(f"waiting at {self.address}")
        self.state = "waiting"
        met = door.wait(lambda: self.service.pool.greeting, self.refusal, lambda: self.ending)
        if met is None:
            return
        connection, word = met
        self.state = "connected"
        pool = self.service.take()
        try:
            left = None if self.service.allowed is None else max(0, self.service.allowed - self.queries)
            worker = pool.start(self.job | {"allowed": left, "session": word})
            with self.lock:
                self.worker = worker
                if self.ending:
                    worker.end()
            self.follow(worker, connection)
        finally:
            self.worker = None
            connection.close()
            self.service.give_back(pool)

    def refusal(self):
        """Why no further session is begun."""
        allowed = self.service.allowed
        return "no more queries are allowed" if allowed is not None and self.queries >= allowed else None

    def follow(self, worker, connection):
        """Says what a worker says, and ends one whose client is gone."""
        total, ended, gone = {}, False, threading.Event()

        def client_left():
            gone.set()
            late = threading.Timer(LAST_S, worker.end)
            late.daemon = True
            late.start()

        connection.when_over(client_left)
        linked = threading.Timer(LINK_S, worker.end)
        linked.daemon = True
        linked.start()
        for event in events(worker.stdout):
            kind = event["event"]
            ended = ended or kind in ("left", "failed")
            if kind in ("connected", "serving"):
                linked.cancel()
                self.state = kind
                self.say(kind)
            elif kind == "total":
                total = event
            elif kind == "computed":
                self.queries += 1
                predicted = self.service.predicted
                said = f" (predicted: sent {predicted[event['number'] > 0]:,} B)" if predicted else ""
                self.say(f"query {self.queries}{counted(total)}{said}, {event['seconds']:.3f} s")
            elif kind == "left":
                self.say("left")
            elif kind == "failed" and not self.ending:
                self.say(f"session ended: {event['why']}")
        linked.cancel()
        code = worker.wait()
        if ended or self.ending:
            return
        if gone.is_set():
            self.say("session ended: the client is gone")
        elif self.state == "connected" and not total:
            self.say(f"session ended: no link within {LINK_S:g} s: can this side reach the client's port?")
        else:
            self.say(f"session ended: its worker {run.how_it_ended(code)}")

    def stop(self):
        """Ends the worker, and begins no other."""
        with self.lock:
            self.ending = True
            if self.worker:
                self.worker.end(signal.SIGTERM)


class Service:
    """All places, and the process that has what their sessions need."""

    def __init__(self, job, folder, log, allowed=None, predicted=None):
        self.folder, self.log, self.allowed, self.predicted = folder, log, allowed, predicted
        self.lock, self.users = threading.Lock(), {}
        self.pool = workers.Pool(job, folder)

    def take(self):
        """The pool of a session that begins."""
        with self.lock:
            self.users[self.pool] = self.users.get(self.pool, 0) + 1
            return self.pool

    def give_back(self, pool):
        """Ends a pool that is of no more use."""
        with self.lock:
            self.users[pool] -= 1
            if self.users[pool] or pool is self.pool:
                return
            del self.users[pool]
        pool.close()

    def renew(self, job):
        """Loads everything anew; sessions that run keep what they have."""
        pool = workers.Pool(job, self.folder)
        with self.lock:
            old, self.pool = self.pool, pool
            unused = not self.users.get(old)
        if unused:
            old.close()

    def close(self):
        """Ends all processes."""
        for pool in {self.pool, *self.users}:
            pool.close()


def counted(total):
    """What SPU counted of a query, in words."""
    if not total:
        return ""
    return f": sent {total['sent_bytes']:,} B, received {total['recv_bytes']:,} B in {total['send_actions']} actions"
