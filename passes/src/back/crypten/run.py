#!/usr/bin/env python3
"""Run the compiled classifier under CrypTen on this machine, and count its traffic.

This file is the same for every model.  What belongs to the model lies beside it:

    manifest.json      names, shapes and defaults (format 1)
    model.onnx         the network in the operations CrypTen 0.4.1 reads
    sample_input.npy   images to run on without --input, f32 [N, ...]

It needs CrypTen:  pip install --no-deps crypten==0.4.1  with torch 2.2, onnx, omegaconf and numpy < 2.

What the numbers mean
    One process a party, on this machine, over TCP loopback.  Party 0 holds the weights, party 1
    the images.  The model runs one image at a time; sent_bytes, recv_bytes, rounds, seconds and ops are
    those of ONE image, the first, as party 0 saw them; per_image lists all of them.
    CrypTen counts collective calls, not packets: an all-reduce of n elements as n sent and n received,
    a scatter by party 0 as n a party sent, a gather as n a party received, 8 bytes an element.  crypten_bytes is its
    own figure, the sum of both directions.  With two parties that is what crosses the wire; with three, a ring
    all-reduce really sends a third more.  rounds are its collective calls.
    Party 0 deals the triples itself out of shared seeds, which costs no traffic here; the randomness of a
    truncation among three parties is scattered by party 0 and is in the figures.
    Sharing the inputs costs nothing (shared seeds); opening the output is not counted.
    All parties run on this machine, so nothing is private from whoever runs it.  "trust" says who must be
    trusted when they are on different machines.
    --weights public: the network is in the clear and only the image is shared.  server is secret.

Exit codes: 0 done, 1 the run failed or ran out of time, 2 bad usage or missing files.
"""

import argparse
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
INSTALL_HINT = "pip install --no-deps crypten==0.4.1, with torch 2.2.2, onnx, omegaconf and numpy<2"
PARTIES = (2, 3)
WEIGHTS = ("secret", "server", "public")
# Who must be trusted when the parties are on different machines; here all of them are on this one.
TRUST = (
    "Party 0 must be trusted with everything: it deals the multiplication triples itself (CrypTen's "
    "default provider), and as it is the server it could read the image, so this is not private between "
    "two organisations."
)
MANIFEST_FORMAT = 1
BYTES = 8  # of a ring element
MODEL_OWNER, IMAGE_OWNER = 0, 1
GRACE_S = 5  # for the other parties after one has failed


class UsageError(Exception):
    """Something the caller can put right; exit code 2."""


class RunError(Exception):
    """The run itself failed; exit code 1."""


# ---------------------------------------------------------------- what lies beside this file


def load_manifest():
    """The parsed manifest.json, with the keys this runner relies on checked."""
    path = HERE / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path} is missing; it is written by `relinc compile`") from None
    except ValueError as err:
        raise UsageError(f"{path} is not JSON: {err}") from None
    if manifest.get("format") != MANIFEST_FORMAT:
        raise UsageError(f"{path}: format {manifest.get('format')!r}, this runner reads {MANIFEST_FORMAT}")
    if "shape" not in manifest.get("input", {}):
        raise UsageError(f"{path}: the input's shape is missing")
    return manifest


def load_images(manifest, given, count):
    """The first `count` images, f32 of the manifest's shape, as an array [count, ...]."""
    import numpy as np

    path = Path(given) if given else HERE / "sample_input.npy"
    try:
        images = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise UsageError(f"{path} is missing" + ("" if given else "; give one with --input FILE.npy")) from None
    except (ValueError, OSError) as err:
        raise UsageError(f"{path} is not a .npy array: {err}") from None
    shape = tuple(manifest["input"]["shape"])
    if not isinstance(images, np.ndarray) or images.dtype.kind not in "fiu":
        raise UsageError(f"{path} must hold one array of numbers")
    if images.shape == shape[1:]:
        images = images[None]
    if images.shape[1:] != shape[1:]:
        raise UsageError(f"{path} has shape {list(images.shape)}, the model wants [N, {str(list(shape[1:]))[1:]}")
    if count > len(images):
        raise UsageError(f"--n {count}, but {path} holds {len(images)} image(s)")
    images = np.ascontiguousarray(images[:count], dtype=np.float32)
    if not np.isfinite(images).all():
        raise UsageError(f"{path} holds infinite or undefined values, which fixed point cannot say")
    return images


def check_installed():
    """A UsageError that says what is not installed and how to install it."""
    absent = [name for name in ("numpy", "torch", "onnx", "crypten") if importlib.util.find_spec(name) is None]
    if absent:
        raise UsageError(f"{', '.join(absent)} not installed in {sys.executable}: {INSTALL_HINT}")


# ---------------------------------------------------------------- one party


class Tally:
    """Counts what party `rank` sends and receives, by CrypTen's own rules, and for which kind of module."""

    def __init__(self, communicator, rank, parties):
        self.rank, self.parties = rank, parties
        self.op = None
        self.reset()
        for name in ("all_reduce", "reduce", "gather", "all_gather", "broadcast", "scatter"):
            setattr(communicator, name, self.counted(name, getattr(communicator, name)))

    def reset(self):
        self.sent = self.received = self.calls = 0
        self.ops = {}

    def counted(self, name, collective):
        def wrapper(data, *args, **kwargs):
            result = collective(data, *args, **kwargs)
            root = args[0] if args else kwargs.get("dst", kwargs.get("src"))
            self.add(*self.directions(name, data, root == self.rank))
            return result

        return wrapper

    def directions(self, name, data, is_root):
        """Elements sent and received in one call."""
        others = self.parties - 1
        if name == "scatter":
            own = data[self.rank].nelement()
            return (sum(t.nelement() for t in data) - own, 0) if is_root else (0, own)
        n = sum(t.nelement() for t in data) if isinstance(data, list) else data.nelement()
        if name == "all_reduce":
            return n, n
        if name == "all_gather":
            return others * n, others * n
        if name == "broadcast":
            return (others * n, 0) if is_root else (0, n)
        return (0, others * n) if is_root else (n, 0)  # reduce, gather

    def add(self, sent, received):
        self.sent += BYTES * sent
        self.received += BYTES * received
        self.calls += 1
        if self.op:
            self.op["sent_bytes"] += BYTES * sent
            self.op["recv_bytes"] += BYTES * received
            self.op["rounds"] += 1

    def watch(self, nn):
        """Files every call of a module other than the graph itself under its class."""
        inner = nn.Module.__call__

        def call(module, *args, **kwargs):
            if isinstance(module, nn.Graph):
                return inner(module, *args, **kwargs)
            empty = {"count": 0, "sent_bytes": 0, "recv_bytes": 0, "rounds": 0, "seconds": 0.0}
            self.op = self.ops.setdefault(type(module).__name__, empty)
            started = time.perf_counter()
            result = inner(module, *args, **kwargs)
            self.op["seconds"] += time.perf_counter() - started
            self.op["count"] += 1
            self.op = None
            return result

        nn.Module.__call__ = call


def nearest(numbers, fraction):
    """Floats as the nearest numbers of fixed point.

    CrypTen itself rounds towards zero: every weight a little smaller, which adds up over a network.
    """
    import numpy as np

    return np.asarray(np.rint(numbers.astype(np.float64) * 2.0**fraction) * 2.0**-fraction, dtype=np.float32)


def read_model(path):
    """The network with its weights."""
    import onnx

    if not Path(path).is_file():
        raise UsageError(f"{path} is missing")
    return onnx.load(str(path))


def shared(crypten, model, weights, fraction):
    """The network in CrypTen: its parameters shared by their owner, or in the clear."""
    import io

    import onnx
    from onnx import numpy_helper

    constants = [a.t for node in model.graph.node for a in node.attribute if node.op_type == "Constant"]
    for tensor in [*model.graph.initializer, *constants]:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(nearest(numpy_helper.to_array(tensor), fraction), tensor.name))
    network = crypten.nn.from_onnx(io.BytesIO(model.SerializeToString()))
    network.eval()
    if weights == "public":
        # CrypTen only takes shared inputs into a network that says it is encrypted; its parameters stay in the clear.
        for module in network.modules():
            module.encrypted = True
        return network
    return network.encrypt(src=MODEL_OWNER)


def compute(job, rank):
    """One party's part: share the model once, then run every image."""
    import warnings

    warnings.filterwarnings("ignore")
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 1) // job["parties"]))
    import crypten
    import crypten.communicator

    images = nearest(load_images(load_manifest(), job["input"], job["n"]), job["fraction"])
    crypten.init()
    crypten.cfg.encoder.precision_bits = job["fraction"]
    crypten.cfg.communicator.verbose = True
    communicator = crypten.communicator.get()
    tally = Tally(communicator, rank, job["parties"])
    network = shared(crypten, read_model(HERE / "model.onnx"), job["weights"], job["fraction"])
    tally.watch(crypten.nn)
    outputs, per_image, ops = [], [], None
    for image in images:
        with crypten.no_grad():
            encrypted = crypten.cryptensor(torch.from_numpy(image[None]), src=IMAGE_OWNER)
            communicator.reset_communication_stats()
            tally.reset()
            started = time.perf_counter()
            result = network(encrypted)
            seconds = time.perf_counter() - started
        stats = communicator.get_communication_stats()
        per_image.append({
            "sent_bytes": tally.sent, "recv_bytes": tally.received, "crypten_bytes": int(stats["bytes"]),
            "rounds": int(stats["rounds"]), "seconds": seconds,
        })
        ops = ops or tally.ops
        outputs.append(result.get_plain_text().reshape(-1).tolist())
    return {"outputs": outputs, "per_image": per_image, "ops": ops}


def party(rank, folder):
    """Body of a party's process: reads job.json, writes result<rank>.json; its log is its standard error."""
    folder = Path(folder)
    job = json.loads((folder / "job.json").read_text())
    if hasattr(signal, "alarm"):
        signal.alarm(int(min(job["timeout"], 10**7)) + GRACE_S)  # should the parent die first
    code = 0
    try:
        result = compute(job, rank)
    except UsageError as err:
        result, code = {"usage": str(err)}, 2
    except BaseException as err:
        traceback.print_exc()
        result, code = {"error": " ".join(f"{type(err).__name__}: {err}".split())}, 1
    partial = folder / f"result{rank}.partial"
    partial.write_text(json.dumps(result))
    partial.rename(folder / f"result{rank}.json")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a failed party would wait for the others at exit


# ---------------------------------------------------------------- the parent: limits and report


def party_environment(folder, rank, parties):
    """What CrypTen reads from the environment of a party."""
    env = dict(os.environ)
    env.update(
        RANK=str(rank), WORLD_SIZE=str(parties), DISTRIBUTED_BACKEND="gloo", RENDEZVOUS=f"file://{folder}/rendezvous",
    )
    env.setdefault("GLOO_SOCKET_IFNAME", "lo")
    return env


def start(folder, rank, job):
    with (folder / f"party{rank}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--party", str(rank), str(folder)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=party_environment(folder, rank, job["parties"]),
        )


def run_job(job):
    """Run all parties under the time limit; returns party 0's result."""
    with tempfile.TemporaryDirectory(prefix="relinc-run-") as name:
        folder = Path(name)
        (folder / "job.json").write_text(json.dumps(job))
        children = []
        try:
            for rank in range(job["parties"]):
                children.append(start(folder, rank, job))
            finished = wait(children, time.monotonic() + job["timeout"])
        finally:
            for child in children:
                if child.poll() is None:
                    child.kill()
                child.wait()
        answers = [read_answer(folder, rank) for rank in range(job["parties"])]
        for answer in answers:
            if answer and "usage" in answer:
                raise UsageError(answer["usage"])
        for rank, answer in enumerate(answers):
            if answer and "error" in answer:
                raise RunError(f"party {rank} failed: {answer['error']}{tail(folder, rank)}")
        for rank, answer in enumerate(answers):
            code = children[rank].returncode
            if answer is None and finished and code != 0:
                raise RunError(f"party {rank} {how_it_ended(code)} and left no result{tail(folder, rank)}")
        if not finished or answers[0] is None:
            raise RunError(
                f"no result after {job['timeout']:g} s: CrypTen hangs now and then; run it again, "
                "raise --timeout or lower --n"
            )
        return answers[0]


def wait(children, deadline):
    """Waits until all have ended, or one has failed and the rest had their grace; False at the deadline."""
    failed_at = None
    while True:
        codes = [child.poll() for child in children]
        if all(code is not None for code in codes):
            return True
        now = time.monotonic()
        if failed_at is None and any(code not in (None, 0) for code in codes):
            failed_at = now
        if failed_at is not None and now > failed_at + GRACE_S:
            return True
        if now > deadline:
            return False
        time.sleep(0.05)


def read_answer(folder, rank):
    path = folder / f"result{rank}.json"
    return json.loads(path.read_text()) if path.is_file() else None


def tail(folder, rank):
    lines = (folder / f"party{rank}.log").read_text(errors="replace").splitlines()[-8:]
    return "".join(f"\n  {line}" for line in lines)


def how_it_ended(code):
    """A child's exit status in words."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def report(job, result):
    """The document that is printed."""
    first = result["per_image"][0]
    traffic = {(im["sent_bytes"], im["recv_bytes"], im["rounds"]) for im in result["per_image"]}
    return {
        "runtime": "crypten",
        "protocol": f"{job['parties']}pc",
        "trust": TRUST,
        "ring": 64,
        "parties": job["parties"],
        "weights": job["weights"],
        "images": job["n"],
        "outputs": result["outputs"],  # one flat list an image
        "sent_bytes": first["sent_bytes"],
        "recv_bytes": first["recv_bytes"],
        "crypten_bytes": first["crypten_bytes"],
        "rounds": first["rounds"],
        "seconds": first["seconds"],
        "images_agree": len(traffic) == 1,
        "per_image": result["per_image"],
        "ops": {name: f for name, f in result["ops"].items() if name not in ("Parameter", "Constant")},
    }


def print_table(doc):
    """The same for people: one line an image, then where the bytes of one image go."""
    print(f"crypten, {doc['parties']} parties, ring 64, weights {doc['weights']}")
    for i, values in enumerate(doc["outputs"]):
        shown = " ".join(f"{v:.4f}" for v in values[:10]) + (" …" if len(values) > 10 else "")
        print(f"image {i}: class {values.index(max(values))}   {shown}")
    print(
        f"one image, party 0: sent {doc['sent_bytes']:,} B, received {doc['recv_bytes']:,} B, "
        f"{doc['rounds']} rounds, {doc['seconds']:.2f} s"
    )
    print(f"{'operation':<24}{'count':>7}{'sent':>14}{'received':>14}{'rounds':>9}{'seconds':>9}")
    for name, f in sorted(doc["ops"].items(), key=lambda item: (-item[1]["sent_bytes"], -item[1]["seconds"])):
        print(
            f"{name:<24}{f['count']:>7}{f['sent_bytes']:>14,}{f['recv_bytes']:>14,}"
            f"{f['rounds']:>9}{f['seconds']:>9.3f}"
        )


# ---------------------------------------------------------------- the command line


def positive(kind):
    """An argparse type: a positive number of this kind."""

    def parse(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not positive")
        return value

    parse.__name__ = kind.__name__
    return parse


def parse_arguments(argv):
    """The command line as argparse sees it."""
    parser = argparse.ArgumentParser(
        description="Run the compiled model under CrypTen on this machine and count its traffic.",
        epilog=f"Bytes are party 0's for one image; opening the output is not counted. {TRUST}",
    )
    parser.add_argument("--parties", type=int, choices=PARTIES, help="default 2")
    parser.add_argument("--protocol", choices=[f"{n}pc" for n in PARTIES], help="another way to say --parties")
    parser.add_argument("--weights", choices=WEIGHTS, help="who knows them (default: the manifest's); server is secret")
    parser.add_argument("--input", metavar="FILE.npy", help="f32 images [N, ...]; default: sample_input.npy")
    parser.add_argument("--n", type=positive(int), default=1, help="how many images (default 1)")
    parser.add_argument("--timeout", type=positive(float), default=600.0, metavar="S", help="seconds (default 600)")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    return parser.parse_args(argv)


def make_job(options, manifest):
    """The arguments with every default filled in, as the parties read them."""
    named = int(options.protocol[0]) if options.protocol else None
    if options.parties and named and options.parties != named:
        raise UsageError(f"--protocol {options.protocol} has {named} parties, not {options.parties}")
    weights = options.weights or manifest.get("weights_setting", "secret")
    if weights not in WEIGHTS:
        raise UsageError(f"manifest.json: unknown weights_setting {weights!r}")
    return {
        "parties": options.parties or named or 2, "fraction": manifest.get("fraction", 16), "weights": weights, "n": options.n, "timeout": options.timeout,
        "input": str(Path(options.input).resolve()) if options.input else None,
    }


def main(argv):
    """Entry point; returns the exit code."""
    if len(argv) == 3 and argv[0] == "--party":
        return party(int(argv[1]), argv[2])
    options = parse_arguments(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the parties are ended too
    try:
        manifest = load_manifest()
        job = make_job(options, manifest)
        check_installed()
        load_images(manifest, job["input"], job["n"])
        if not options.json:
            print(f"crypten: {TRUST}", flush=True)
        doc = report(job, run_job(job))
    except UsageError as err:
        print(f"run.py: {err}", file=sys.stderr)
        return 2
    except RunError as err:
        print(f"run.py: {err}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(doc))
    else:
        print_table(doc)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
