#!/usr/bin/env python3
"""One party of a session under CrypTen: the server has the weights, the client the images, the provider deals the triples.

    party.py server   --meet HOST:PORT --tls DIR --insecure-masks --weights ../server/model.onnx
    party.py provider --meet HOST:PORT --tls DIR --insecure-masks
    party.py client   --meet HOST:PORT --tls DIR --insecure-masks --input FILE...

Each runs on its own machine, with this folder (public/); the server also has server/.  HOST:PORT is the server's, where all
meet; links then go from each to each, at ports that the system chooses.  One session answers all images of one client.

CrypTen's links are those of torch's gloo, here with TLS and certificates on both sides; where they meet there is no TLS, and
nothing is exchanged but addresses.  Before anything secret moves, all compare digests of manifest, network and versions.

What this does not give: privacy between organisations.  CrypTen draws every mask from torch's Mersenne Twister, whose seed
torch cuts to 32 bits, whoever deals the triples.  --insecure-masks says that you know.

It needs CrypTen:  pip install --no-deps crypten==0.4.1  with torch 2.2, onnx, omegaconf and numpy < 2; for PNG and JPEG Pillow.

Exit codes: 0 done, 1 another party is gone or does not agree, or time is up, 2 bad usage or bad input.
"""

import argparse
import hashlib
import importlib.metadata
import json
import math
import os
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left in the folder
sys.path.insert(0, str(Path(__file__).resolve().parent))

import run  # noqa: E402

HERE = Path(__file__).resolve().parent
ROLES = ("server", "client", "provider")  # by rank: CrypTen wants the provider behind all parties
SERVER, CLIENT, PROVIDER = range(3)
PARTIES = 2
DIGEST = 32  # bytes
MASKS = (
    "NOT PRIVATE between two organisations: CrypTen draws its masks from torch's Mersenne Twister, whose seed torch cuts to "
    "32 bits, so a party, or whoever reads the link, can try them all. The provider sees every seed and must not collude."
)


class Watch:
    """Ends this process when a step takes too long: gloo's own waits have no limit that can be set."""

    def __init__(self, seconds):
        self.seconds, self.timer = seconds, None

    def step(self, words):
        """The limit begins anew."""
        self.stop()
        self.timer = threading.Timer(self.seconds, self.over, (words,))
        self.timer.daemon = True
        self.timer.start()

    def over(self, words):
        print(f"party.py: nothing happened for {self.seconds:g} s while {words}; are the others there, and can they reach this side?", file=sys.stderr, flush=True)
        os._exit(1)

    def stop(self):
        if self.timer:
            self.timer.cancel()


# ---------------------------------------------------------------- the network


def architecture():
    """The network as all have it, without a number of its weights."""
    import onnx

    path = HERE / "architecture.onnx"
    if not path.is_file():
        raise run.UsageError(f"{path} is missing; take the whole folder public/ that `relinc compile` wrote")
    return onnx.load(str(path))


def with_weights(path):
    """The server's network; a UsageError where it is not the one that the others have."""
    if not Path(path).is_file():
        raise run.UsageError(f"--weights {path}: no such file; it is server/model.onnx of `relinc compile --target crypten`")
    model, bare = run.read_model(path), architecture()
    shapes = [[(t.name, t.data_type, tuple(t.dims)) for t in m.graph.initializer] for m in (model, bare)]
    if shapes[0] != shapes[1] or list(model.graph.node) != list(bare.graph.node):
        raise run.UsageError(f"--weights {path}: not the network of {HERE / 'architecture.onnx'}; take both from one compilation")
    return model


def with_zeros(model):
    """The client's network: CrypTen wants weights of the right shapes from whoever does not own them."""
    for tensor in model.graph.initializer:
        tensor.raw_data = bytes(4 * math.prod(tensor.dims))
    return model


# ---------------------------------------------------------------- the others


def environment(options):
    """What CrypTen and gloo read from the environment."""
    os.environ.update(
        RANK=str(ROLES.index(options.role)), WORLD_SIZE=str(PARTIES), DISTRIBUTED_BACKEND="gloo", RENDEZVOUS=f"tcp://{options.meet}",
    )
    if options.interface or options.meet.startswith("127."):
        os.environ["GLOO_SOCKET_IFNAME"] = options.interface or "lo"
    if options.tls:
        files = {"PKEY": "key.pem", "CERT": "cert.pem", "CA_FILE": "ca.pem"}
        os.environ["GLOO_DEVICE_TRANSPORT"] = "TCP_TLS"
        os.environ.update({f"GLOO_DEVICE_TRANSPORT_TCP_TLS_{key}": str(Path(options.tls) / name) for key, name in files.items()})


def greeting(manifest):
    """What all must agree on, each as a digest."""
    settings = {
        "relinc": manifest.get("relinc"), "manifest": (HERE / "manifest.json").read_bytes(),
        "network": (HERE / "architecture.onnx").read_bytes(), "torch": importlib.metadata.version("torch").split("+")[0],
        "CrypTen": importlib.metadata.version("crypten"),
    }
    return {name: hashlib.sha256(v if isinstance(v, bytes) else str(v).encode()).digest() for name, v in settings.items()}


def agree(own):
    """Compares the greetings of all, over the links."""
    import crypten.communicator
    import torch
    import torch.distributed

    group = crypten.communicator.get().ttp_group
    mine = torch.tensor(list(b"".join(own.values())), dtype=torch.uint8)
    all_of_them = [torch.empty_like(mine) for _ in ROLES]
    torch.distributed.all_gather(all_of_them, mine, group=group)
    for role, theirs in zip(ROLES, all_of_them):
        theirs = bytes(theirs.tolist())
        differ = [name for i, name in enumerate(own) if theirs[DIGEST * i:DIGEST * (i + 1)] != own[name]]
        if differ:
            raise run.RunError(f"the {role} has another {' and '.join(differ)}")


def provide(own, watch):
    """The provider's whole session."""
    from crypten.mpc.provider import TTPServer

    class Provider(TTPServer):
        def _setup_generators(self):
            super()._setup_generators()
            agree(own)
            watch.stop()  # it hears when a party is gone
            say("dealing")

    Provider()
    say("the session is over")


def session(options, manifest, model, images, watch):
    """Server and client: outputs, for the client alone, and what each query took."""
    import crypten
    import crypten.communicator
    import torch

    crypten.init()
    rank = ROLES.index(options.role)
    agree(greeting(manifest))
    say("connected")
    fraction = manifest.get("fraction", 16)
    crypten.cfg.encoder.precision_bits = fraction
    communicator = crypten.communicator.get()
    watch.step("the weights are shared")
    network = run.shared(crypten, model, "secret", fraction)
    count = communicator.broadcast(torch.tensor(0 if images is None else len(images)), CLIENT).item()
    tally = run.Tally(communicator, rank, PARTIES)
    outputs, queries = [], []
    for i in range(count):
        watch.step(f"query {i} is computed")
        image = images[i][None] if images is not None else zeros(manifest)
        with crypten.no_grad():
            shared = crypten.cryptensor(torch.from_numpy(run.nearest(image, fraction)), src=CLIENT)
            tally.reset()
            started = time.perf_counter()
            result = network(shared)
            seconds = time.perf_counter() - started
        queries.append({"sent_bytes": tally.sent, "recv_bytes": tally.received, "rounds": tally.calls, "seconds": seconds})
        say(f"query {i}: sent {tally.sent:,} B, received {tally.received:,} B in {tally.calls} calls, {seconds:.2f} s")
        opened = result.get_plain_text(dst=CLIENT)
        if rank == CLIENT:
            outputs.append(opened.reshape(-1).tolist())
    watch.step("all leave")
    crypten.uninit()
    return outputs, queries


def zeros(manifest):
    """An image of zeros, which stands for the client's at the server."""
    import numpy as np

    return np.zeros((1, *manifest["input"]["shape"][1:]), np.float32)


def say(words):
    """A line of the log."""
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime()) + words, file=sys.stderr, flush=True)


# ---------------------------------------------------------------- the command line


def parse(argv):
    """The command line."""
    parser = argparse.ArgumentParser(prog="party.py", description="Be one party of a session under CrypTen.", epilog=MASKS)
    parser.add_argument("role", choices=ROLES)
    parser.add_argument("--meet", required=True, metavar="HOST:PORT", help="the server's address, where all meet")
    parser.add_argument("--interface", metavar="NAME", help="the network interface of this side's links (default: of the host's name; lo where --meet is there)")
    parser.add_argument("--tls", metavar="DIR", help="this party's cert.pem and key.pem, and ca.pem, who signs those of the others")
    parser.add_argument("--insecure-link", action="store_true", help="no TLS: anybody on the way can read and pretend; for trials on one machine")
    parser.add_argument("--insecure-masks", action="store_true", help="go on, although CrypTen's masks come from seeds of 32 bits")
    parser.add_argument("--weights", metavar="FILE", help="server: model.onnx of the folder server/")
    parser.add_argument("--input", nargs="+", metavar="FILE", help="client: .npy, PNG or JPEG files, or folders of them")
    parser.add_argument("--normalize", metavar="MEAN/STD", help="client, for PNG and JPEG: of values from 0 to 1, three numbers each (default: the manifest's)")
    parser.add_argument("--resize", action="store_true", help="client: bring PNG and JPEG files to the network's size")
    parser.add_argument("--timeout", type=run.positive(float), default=120.0, metavar="S", help="seconds for any step, the meeting too (default 120)")
    parser.add_argument("--json", action="store_true", help="client: print one JSON document")
    return parser.parse_args(argv)


def check(options, manifest):
    """A UsageError where the options do not go together."""
    for role, option, given in (("server", "--weights", options.weights), ("client", "--input", options.input)):
        if (options.role == role) != bool(given):
            raise run.UsageError(f"{option} is for the {role}" + (", who needs it" if options.role == role else f", not for the {options.role}"))
    host, _, port = options.meet.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise run.UsageError(f"--meet {options.meet}: must be HOST:PORT")
    if not options.insecure_masks:
        raise run.UsageError(f"{MASKS} Take --target spu; --insecure-masks goes on nevertheless, for research")
    if not options.tls and not options.insecure_link:
        raise run.UsageError("--tls DIR is needed (relinc certificates -o DIR makes folders for trials); --insecure-link goes without, for trials on one machine")
    for name in ("cert.pem", "key.pem", "ca.pem") if options.tls else ():
        if not (Path(options.tls) / name).is_file():
            raise run.UsageError(f"{Path(options.tls) / name} is missing; `relinc certificates -o DIR` makes such folders")
    if manifest.get("weights_setting") == "public":
        raise run.UsageError("this artefact was compiled with public weights, which need no server: relinc compile … --weights secret")
    for name, digest in manifest.get("files", {}).items():
        file = HERE / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            raise run.UsageError(f"{file} is not the one that manifest.json was written for; take public/ anew from `relinc compile`")


def document(manifest, names, outputs, queries):
    """What the client prints."""
    classes, images = manifest.get("classes"), []
    for name, scores in zip(names, outputs):
        best = scores.index(max(scores))
        images.append({"name": name, "class": best, "class_name": classes[best] if classes else None, "scores": scores})
    return {"runtime": "crypten", "trust": MASKS, "parties": PARTIES, "images": images, "queries": queries}


def main(argv):
    """Entry point; returns the exit code."""
    options = parse(argv)
    manifest = run.load_manifest()
    check(options, manifest)
    run.check_installed()
    names, images, model = [], None, None
    if options.role == "client":
        from images import load

        names, images = load(options.input, manifest, options.normalize, options.resize)
        model = with_zeros(architecture())
    elif options.role == "server":
        model = with_weights(options.weights)
    say(f"crypten, {options.role}: {MASKS}")
    environment(options)
    import warnings

    warnings.filterwarnings("ignore")
    import crypten

    crypten.cfg.mpc.provider = "TTP"
    watch = Watch(options.timeout)
    watch.step("all meet")
    try:
        if options.role == "provider":
            provide(greeting(manifest), watch)
            return 0
        outputs, queries = session(options, manifest, model, images, watch)
    except RuntimeError as err:
        raise run.RunError(f"another party is gone, or was not let in: {' '.join(str(err).split())[:300]}") from None
    finally:
        watch.stop()
    if options.role == "client":
        doc = document(manifest, names, outputs, queries)
        if options.json:
            print(json.dumps(doc))
        else:
            for image in doc["images"]:
                print(f"{image['name']}: {image['class_name'] or 'class ' + str(image['class'])} {max(image['scores']):.4f}")
    return 0


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except run.UsageError as err:
        print(f"party.py: {err}", file=sys.stderr)
        code = 2
    except run.RunError as err:
        print(f"party.py: {err}", file=sys.stderr)
        code = 1
    sys.stdout.flush()
    os._exit(code)  # gloo's threads would wait for those that are gone
