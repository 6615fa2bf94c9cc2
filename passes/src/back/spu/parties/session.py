"""One session between the parties: link, handshake, shares, queries.

A worker process, forked from one that has loaded program and weights, runs one session and ends.  It says what happens in
lines of JSON behind MARK.
Nothing that another party sent is unpickled, parsed as a program or trusted in its length: a greeting is a short JSON
object, and a share is only taken if its description and its lengths are those of a share that was made here of zeros.
"""

import ctypes
import hashlib
import importlib.metadata
import io
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

import run  # what is known of artefacts
from meeting import Refused, differences

MARK = "relinc> "
SERVER, CLIENT, HELPER = range(3)
ROLES = ("server", "client", "helper")
LONGEST_NOTE = 4096  # bytes of a greeting, of a request for a query, of its answer
PUBLIC = Path(__file__).resolve().parent
RETRY_MS = 100
LINK_S = 40.0  # for the links of a session, once all have met
PR_SET_PDEATHSIG = 1


def say(event, **facts):
    """One line for the parent."""
    os.write(1, (MARK + json.dumps({"event": event} | facts) + "\n").encode())


# ---------------------------------------------------------------- what all have


def digest(*files):
    """The sha256 of files, one after the other."""
    total = hashlib.sha256()
    for file in files:
        total.update(hashlib.sha256((PUBLIC / file).read_bytes()).digest())
    return total.hexdigest()


def open_program(job, manifest):
    """SPU, its configuration, the byte code, and what it reads: names and visibilities."""
    api, lib = run.import_spu()
    config = run.runtime_config(lib, job)
    config.enable_pphlo_profile = False  # totals only
    config.enable_hal_profile = True
    visible = run.visibilities(lib, manifest, job["program"], job["weights"])
    code = run.compile_program(api, lib, run.load_program(job), visible)
    return api, lib, config, code, visible


def greeting(job, manifest, code):
    """What all parties must agree on, before anything secret moves."""
    return {
        "relinc": manifest.get("relinc"), "format": manifest["format"],
        "spu": importlib.metadata.version("spu"), "numpy": np.__version__.split(".")[0],
        "protocol": job["protocol"], "ring": job["field"], "fraction": job["fraction"],
        "truncation": job["truncation"], "weights": job["weights"], "parties": job["parties"],
        "dealer": bool(job["dealer"]), "batch": job["batch"],
        "program": digest(job["program"]["file"]), "manifest": digest("manifest.json"),
        "indices": digest("indices.npz") if (PUBLIC / "indices.npz").is_file() else None,
        "code": hashlib.sha256(code).hexdigest(),
    }


def connect(lib, job):
    """The link between all parties; waits until the others are there."""
    desc = lib.link.Desc()
    for rank in range(job["parties"]):
        desc.add_party(ROLES[rank], job["addresses"][rank])
    desc.recv_timeout_ms = int(job["timeout"] * 1000)
    desc.http_timeout_ms = desc.recv_timeout_ms // (1 + desc.retry_opts.max_retry)  # of each try to send
    desc.connect_retry_interval_ms = RETRY_MS
    desc.connect_retry_times = int(LINK_S * 1000 / RETRY_MS)
    if job["tls"]:
        folder = Path(job["tls"])
        desc.enable_ssl = True
        for side in (desc.server_ssl_opts, desc.client_ssl_opts):
            side.cert.certificate_path = str(folder / "cert.pem")
            side.cert.private_key_path = str(folder / "key.pem")
            side.verify.ca_file_path = str(folder / "ca.pem")
            side.verify.verify_depth = 1
    try:
        return lib.link.create_brpc(desc, job["rank"])
    except RuntimeError as err:
        raise run.RunError(f"no link: {run.first_lines(str(err))}") from None


# ---------------------------------------------------------------- messages


def send_note(link, to, note):
    """A short message."""
    link.send(to, json.dumps(note).encode())


def receive_note(link, whose, wanted):
    """A short message with these keys."""
    data = receive(link, whose)
    if len(data) > LONGEST_NOTE:
        raise Refused(f"the {ROLES[whose]} sent {len(data)} bytes instead of a short message")
    try:
        note = json.loads(data)
    except (ValueError, RecursionError):
        raise Refused(f"the {ROLES[whose]} sent something else than a message") from None
    if not isinstance(note, dict) or set(note) != set(wanted):
        raise Refused(f"the {ROLES[whose]} sent another kind of message; has it another version of relinc?")
    return note


def receive(link, whose):
    """Bytes from a party, within the link's time limit."""
    try:
        data = link.recv(whose)
    except RuntimeError as err:
        raise run.RunError(f"nothing came from the {ROLES[whose]}: {run.first_lines(str(err))}") from None
    return data if isinstance(data, bytes) else data.encode()


def greet(link, job, own):
    """Compares what all must agree on, and that all are in the same session."""
    others = [r for r in range(job["parties"]) if r != job["rank"]]
    for rank in others:
        send_note(link, rank, own)
    faults = {}
    for rank in others:
        if fault := differences(own, receive_note(link, rank, own), ROLES[rank]):
            faults[rank] = fault
    # Whoever leaves first would take with it what the others have not read yet: each says that it has read.
    for rank in others:
        send_note(link, rank, {"agreed": not faults})
    for rank in others:
        try:
            if not receive_note(link, rank, ("agreed",))["agreed"]:
                faults.setdefault(rank, f"the {ROLES[rank]} does not agree to this session")
        except run.RunError:
            if not faults:
                raise
    if faults:
        part(link)
        raise Refused("; ".join(faults.values()))


def part(link):
    """Waits until the others have read everything: SPU ends a process whose last message went to one that had left."""
    try:
        link.stop_link()
    except RuntimeError:
        pass


def send_share(link, to, share):
    """A share: its description, then its pieces."""
    link.send(to, share.meta)
    for chunk in share.share_chunks:
        link.send(to, chunk)


def receive_share(link, whose, lib, like):
    """A share that is described and as long as one that was made here."""
    expected = [like.meta, *like.share_chunks]
    got = [receive(link, whose) for _ in expected]
    if got[0] != like.meta or any(len(a) != len(b) for a, b in zip(got[1:], like.share_chunks)):
        raise Refused(f"the {ROLES[whose]} sent a share of something else")
    share = lib.Share()
    share.meta, share.share_chunks = got[0], got[1:]
    return share


# ---------------------------------------------------------------- the session


def shapes(job):
    """Shape and type of every argument behind the input, as the program's text says."""
    text = run.load_program(job)
    head = text.split("{\n", 2)[1]
    kinds = {"f32": np.float32, "i32": np.int32, "i64": np.int64, "i1": np.bool_}
    out = []
    for _, kind in run.ARGUMENT.findall(head)[1:]:
        *dims, element = kind[len("tensor<"):-1].split("x")
        out.append((tuple(map(int, dims)), kinds[element]))
    return out


def own_public(manifest, job):
    """Arguments that everybody has: indices, and the unit."""
    file = PUBLIC / "indices.npz"
    stored = dict(np.load(file, allow_pickle=False)) if file.is_file() else {}
    if manifest.get("unit"):
        stored[manifest["unit"]] = np.array(np.float32(2.0**-run.fraction_bits(job)))
    return stored


def set_weights(link, runtime, api, lib, config, job, manifest, visible, weights):
    """Every argument but the input: public ones from one's own folder, the others as the server shares them."""
    dealing = api.Io(job["parties"], config)
    owner = SERVER if job["weights"] == "server" else -1
    public, secret = own_public(manifest, job), lib.Visibility.VIS_SECRET
    names = run.arguments(manifest, job["program"])
    for i, (name, (shape, kind), vis) in enumerate(zip(names, shapes(job), visible[1:])):
        as_owned = owner if vis == secret else -1
        if name in public:
            mine = dealing.make_shares(public[name].astype(kind), vis, -1)[job["rank"]]
        elif job["rank"] == SERVER:
            shares = dealing.make_shares(np.ascontiguousarray(weights[i], dtype=kind), vis, as_owned)
            for rank in range(job["parties"]):
                if rank != SERVER:
                    send_share(link, rank, shares[rank])
            mine = shares[SERVER]
            weights[i] = None
        else:
            like = dealing.make_shares(np.zeros(shape, kind), vis, as_owned)[job["rank"]]
            mine = receive_share(link, SERVER, lib, like)
        runtime.set_var(f"w{i}", mine)


class Prepared:
    """What all sessions of a party need: program, configuration, and the server's weights."""

    def __init__(self, job, folder):
        self.manifest = run.load_manifest()
        self.weights = run.load_weights(self.manifest, job, folder) if job["rank"] == SERVER else None
        self.api, self.lib, self.config, self.code, self.visible = open_program(job, self.manifest)
        self.greeting = greeting(job, self.manifest, self.code)


class Session:
    """A session after its handshake, with the weights dealt."""

    def __init__(self, job, prepared):
        self.job = job
        self.api, self.lib, self.config, self.code = prepared.api, prepared.lib, prepared.config, prepared.code
        manifest, visible = prepared.manifest, prepared.visible
        self.shape = (job["batch"], *manifest["input"]["shape"][1:])
        self.link = connect(self.lib, job)
        say("connected")
        greet(self.link, job, prepared.greeting | {"session": job["session"]})
        self.runtime = self.api.Runtime(self.link, self.config)
        weights = list(prepared.weights or [])
        set_weights(self.link, self.runtime, self.api, self.lib, self.config, job, manifest, visible, weights)
        self.names = ["in"] + [f"w{i}" for i in range(len(visible) - 1)]
        self.io = self.api.Io(job["parties"], self.config)
        self.others = [r for r in range(job["parties"]) if r != job["rank"]]
        say("serving")

    def shares(self, images):
        """Shares of the images of a query, by party."""
        return self.io.make_shares(images, self.lib.Visibility.VIS_SECRET, -1)

    def compute(self, number, share):
        """Runs the program; the party's share of the output."""
        started = time.perf_counter()
        self.runtime.set_var("in", share)
        self.runtime.run(self.lib.Executable(f"image{number}", self.names, ["out"], self.code))
        out = self.runtime.get_var("out")
        say("computed", number=number, seconds=time.perf_counter() - started)
        return out

    def ask(self, number, images):
        """The client's part of a query: the outputs of the images."""
        for rank in self.others:
            send_note(self.link, rank, {"query": number})
        for rank in self.others:
            answer = receive_note(self.link, rank, ("query", "refused"))
            if answer["refused"]:
                raise Refused(f"the {ROLES[rank]} refused the query: {str(answer['refused'])[:200]}")
        dealt = self.shares(images)
        for rank in self.others:
            send_share(self.link, rank, dealt[rank])
        own = self.compute(number, dealt[CLIENT])
        opened = [None] * self.job["parties"]
        opened[CLIENT] = own
        for rank in self.others:
            opened[rank] = receive_share(self.link, rank, self.lib, own)
        return np.asarray(self.io.reconstruct(opened)).reshape(self.job["batch"], -1)

    def leave(self):
        """The client says that it has no more queries."""
        for rank in self.others:
            send_note(self.link, rank, {"query": None})

    def answer(self, allowed):
        """The others' part: queries until the client leaves, at most so many."""
        like = self.shares(np.zeros(self.shape, np.float32))[self.job["rank"]]
        done = 0
        while True:
            number = receive_note(self.link, CLIENT, ("query",))["query"]
            if number is None:
                return
            if not isinstance(number, int):
                raise Refused("the client sent something else than the number of a query")
            refusal = None if allowed is None or done < allowed else "no more queries are allowed"
            send_note(self.link, CLIENT, {"query": number, "refused": refusal})
            if refusal:
                raise Refused("the client asked for more queries than it is allowed")
            share = receive_share(self.link, CLIENT, self.lib, like)
            out = self.compute(done, share)
            send_share(self.link, CLIENT, out)
            done += 1


def die_with_parent():
    """Whoever kills the parent ends the worker, too, where the system can do that (Linux)."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (AttributeError, OSError):
        pass


def begin(prepared, job, files, work):
    """A worker's whole life, from the fork on: `files` are its input, where a client's images come, and its output."""
    die_with_parent()
    for number, file in enumerate((*files, files[1])):
        os.dup2(file, number)
    folder = Path(work) / str(os.getpid())  # SPU leaves files where it runs
    folder.mkdir()
    os.chdir(folder)
    code = 0
    try:
        session = Session(job, prepared)
        if job["rank"] == CLIENT:
            images = np.load(io.BytesIO(open(0, "rb", closefd=False).read()), allow_pickle=False)
            for i, batch in enumerate(run.fill(images, job)):
                say("outputs", number=i, outputs=session.ask(i, batch).tolist())
            session.leave()
        else:
            session.answer(job["allowed"])
        say("left")
        session.link.stop_link()
    except (run.UsageError, run.RunError) as err:
        say("failed", why=str(err), usage=isinstance(err, run.UsageError))
        code = 1
    except BaseException as err:  # SPU raises plain RuntimeErrors with a C++ stack in them
        say("failed", why=run.first_lines(str(err))[:400] or type(err).__name__, usage=False)
        code = 1
    sys.stdout.flush()
    os._exit(code)  # threads of a failed session still wait for the others
