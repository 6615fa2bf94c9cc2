"""Worker processes: one process loads what all sessions need, and forks a worker for each.

So weights are read and programs compiled once a service; workers share that memory, and start at once.  The process that
forks has used neither SPU's links nor its random numbers, so each worker draws its own.  It ends its workers, and removes
what they left in their working folder, when whoever started it is gone, even by SIGKILL.
"""

import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import run

PUBLIC = Path(__file__).resolve().parent
LONGEST = 1 << 20  # bytes of a request
WORK = "relinc-work-"  # how working folders are called
START = "import sys; sys.path.insert(0, sys.argv[1]); import workers; workers.main(sys.argv[2])"


def line(channel):
    """The next line, and the files that came with it; nothing when the other end is closed."""
    data, files = b"", []
    while not data.endswith(b"\n") and len(data) < LONGEST:
        piece, came, _, _ = socket.recv_fds(channel, LONGEST, 2)
        files += came
        if not piece:
            return None, files
        data += piece
    return json.loads(data), files


# ---------------------------------------------------------------- who asks for workers


class Worker:
    """A worker: what it says, and its end."""

    def __init__(self, pool, pid, stdin, stdout):
        self.pool, self.pid, self.stdin, self.stdout, self.code = pool, pid, stdin, stdout, None
        self.lock = threading.Lock()

    def end(self, number=signal.SIGKILL):
        """Sends it a signal, if it is not known to have ended."""
        with self.lock:
            if self.code is None:
                try:
                    os.kill(self.pid, number)
                except ProcessLookupError:
                    pass

    def wait(self):
        """Its exit code, as subprocess has it, once it has ended."""
        self.stdin.close()
        with self.lock:
            if self.code is None:
                self.code = self.pool.ask({"wait": self.pid}).get("code", -signal.SIGKILL)
            return self.code


class Pool:
    """The process that has loaded everything, as it is seen from outside."""

    def __init__(self, job, folder):
        near, far = socket.socketpair()
        environment = {**run.environment(1), "OPENBLAS_NUM_THREADS": "1"}  # threads do not outlive a fork
        with far:
            self.process = subprocess.Popen(
                [sys.executable, "-B", "-c", START, str(PUBLIC), str(folder)],
                stdin=far, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
            )
        self.channel, self.lock = near, threading.Lock()
        loaded = self.ask(job)
        if "greeting" not in loaded:
            self.close()
            fault = run.UsageError if loaded.get("usage") else run.RunError
            raise fault(loaded.get("why", "the process that loads the program died"))
        self.greeting = loaded["greeting"]

    def ask(self, request, files=()):
        """The answer to a request; an empty one where the process is gone."""
        with self.lock:
            try:
                socket.send_fds(self.channel, [json.dumps(request).encode() + b"\n"], files)
                return line(self.channel)[0] or {}
            except (OSError, ValueError):
                return {}

    def start(self, job):
        """A worker with this job; an OSError where there is none."""
        give, take = os.pipe(), os.pipe()
        try:
            pid = self.ask({"start": job}, (give[0], take[1])).get("pid")
        finally:
            os.close(give[0])
            os.close(take[1])
        stdin, stdout = os.fdopen(give[1], "wb"), os.fdopen(take[0], "rb")
        if pid is None:
            stdin.close()
            stdout.close()
            raise OSError("the process that starts workers is gone")
        return Worker(self, pid, stdin, stdout)

    def alive(self):
        """Does the process still run?"""
        return self.process.poll() is None

    def close(self):
        """Ends the process, its workers, and what they left."""
        self.channel.close()
        try:
            self.process.wait(5.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# ---------------------------------------------------------------- the process itself


def reply(channel, **answer):
    """Sends an answer."""
    channel.sendall(json.dumps(answer).encode() + b"\n")


def main(folder):
    """The whole life of the process that forks."""
    import session  # SPU, which the other side of this file does without

    for number in (signal.SIGINT, signal.SIGHUP):  # meant for whoever started this; workers ignore them, too
        signal.signal(number, signal.SIG_IGN)
    channel = socket.socket(fileno=os.dup(0))
    job, _ = line(channel)
    try:
        prepared = session.Prepared(job, Path(folder))
        forget_the_dead()
        work = tempfile.mkdtemp(prefix=f"{WORK}{os.getpid()}-")
    except run.UsageError as err:
        return reply(channel, why=str(err), usage=True)
    except Exception as err:
        return reply(channel, why=run.first_lines(str(err))[:400] or type(err).__name__, usage=False)
    gc.freeze()  # workers share what is there now
    reply(channel, greeting=prepared.greeting)
    running = set()
    try:
        while True:
            request, files = line(channel)
            if request is None:
                return None
            if "wait" in request:
                reply(channel, code=ended(request["wait"]))
                running.discard(request["wait"])
                shutil.rmtree(Path(work) / str(request["wait"]), ignore_errors=True)
                continue
            pid = os.fork()
            if pid == 0:
                channel.close()
                session.begin(prepared, request["start"], files, work)
            running.add(pid)
            for file in files:
                os.close(file)
            reply(channel, pid=pid)
    finally:
        for pid in running:
            os.kill(pid, signal.SIGKILL)
        for pid in running:
            os.waitpid(pid, 0)
        shutil.rmtree(work, ignore_errors=True)


def forget_the_dead():
    """Removes working folders of processes that were killed before they could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{WORK}*-*"):
        try:
            pid = int(folder.name[len(WORK):].split("-")[0])
            if folder.stat().st_uid == os.getuid():
                os.kill(pid, 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except (OSError, ValueError):
            pass


def ended(pid):
    """The exit code of a worker that has closed its output, or is about to."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
